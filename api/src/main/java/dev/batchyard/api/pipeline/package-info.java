/** Items from a source, through steps, into a sink: the shape of every built-in task. */
@NullMarked
package dev.batchyard.api.pipeline;

import org.jspecify.annotations.NullMarked;
