/**
 * Tests of the store's ports. They live beside the test kit because that stands on the store: a
 * module cannot test itself with what is built from it.
 */
@NullMarked
package dev.batchyard.store;

import org.jspecify.annotations.NullMarked;
