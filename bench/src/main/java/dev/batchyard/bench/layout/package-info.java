/** Layouts of the queue's tables that were not chosen, behind the engine's ports. Not shipped. */
@NullMarked
package dev.batchyard.bench.layout;

import org.jspecify.annotations.NullMarked;
