/**
 * The ports of the engine over PostgreSQL: one class a port, each statement beside the method that
 * runs it. It applies decisions, guarded; it makes none.
 */
@NullMarked
package dev.batchyard.store;

import org.jspecify.annotations.NullMarked;
