/** Where a process can be made to die, so that tests see what the others make of it. */
@NullMarked
package dev.batchyard.engine.crash;

import org.jspecify.annotations.NullMarked;
