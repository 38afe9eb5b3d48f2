package dev.batchyard.engine.port;

import dev.batchyard.engine.placement.NodeLoad;
import java.util.Optional;

/**
 * How a node is at a beat.
 *
 * @param load how loaded it is; empty if it has not been measured
 * @param running how many attempts have a slot
 */
public record NodePulse(Optional<NodeLoad> load, int running) {

  /** Of a node that runs nothing and is not measured. */
  public static final NodePulse NONE = new NodePulse(Optional.empty(), 0);
}
