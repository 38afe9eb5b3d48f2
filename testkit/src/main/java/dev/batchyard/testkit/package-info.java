/**
 * A real PostgreSQL for tests: one server a JVM, a clone of the migrated template for each class.
 */
@NullMarked
package dev.batchyard.testkit;

import org.jspecify.annotations.NullMarked;
