/** Planted offenders: a rule that lets them pass is broken. */
@NullMarked
package dev.batchyard.app.architecture.planted.tasks.pipeline;

import org.jspecify.annotations.NullMarked;
