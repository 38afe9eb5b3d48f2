/** Benchmarks, side by side with peers and with the physical limit. Not shipped. */
@NullMarked
package dev.batchyard.bench;

import org.jspecify.annotations.NullMarked;
