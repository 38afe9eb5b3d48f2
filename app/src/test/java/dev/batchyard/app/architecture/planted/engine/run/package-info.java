/** Planted offenders: a rule that lets them pass is broken. */
@NullMarked
package dev.batchyard.app.architecture.planted.engine.run;

import org.jspecify.annotations.NullMarked;
