/** Planted offenders: a rule that lets them pass is broken. */
@NullMarked
package dev.batchyard.app.architecture.planted.api;

import org.jspecify.annotations.NullMarked;
