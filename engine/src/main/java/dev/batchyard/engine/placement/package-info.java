/** Which node runs a task: how loaded it is, what it has, whose turn it is. Pure. */
@NullMarked
package dev.batchyard.engine.placement;

import org.jspecify.annotations.NullMarked;
