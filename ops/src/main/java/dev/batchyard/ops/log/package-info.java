/** The logs of attempts: caught, bounded, stored in batches. */
@NullMarked
package dev.batchyard.ops.log;

import org.jspecify.annotations.NullMarked;
