/** The rules of one task: states, legal moves, decisions. Pure: no thread, no clock, no I/O. */
@NullMarked
package dev.batchyard.engine.task;

import org.jspecify.annotations.NullMarked;
