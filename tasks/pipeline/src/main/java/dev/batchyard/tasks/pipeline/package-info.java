/** Drives items from a source through steps into a sink: chunks, ledger, rejects, stop. */
@NullMarked
package dev.batchyard.tasks.pipeline;

import org.jspecify.annotations.NullMarked;
