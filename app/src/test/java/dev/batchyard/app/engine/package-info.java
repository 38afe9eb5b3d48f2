/** The engine on the real store: threads, sessions and guards together. */
@NullMarked
package dev.batchyard.app.engine;

import org.jspecify.annotations.NullMarked;
