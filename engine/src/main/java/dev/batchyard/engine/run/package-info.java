/** The loops of a node. The only owner of threads in the engine. */
@NullMarked
package dev.batchyard.engine.run;

import org.jspecify.annotations.NullMarked;
