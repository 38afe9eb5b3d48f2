/** Planted offenders: a rule that lets them pass is broken. */
@NullMarked
package dev.batchyard.app.architecture.planted.engine.task;

import org.jspecify.annotations.NullMarked;
