/** The queues that {@code ./dev bench queue} compares, behind one interface. Not shipped. */
@NullMarked
package dev.batchyard.bench.queue;

import org.jspecify.annotations.NullMarked;
