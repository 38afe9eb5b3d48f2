package dev.batchyard.engine.port;

import dev.batchyard.engine.placement.MachineUse;
import java.util.Optional;

/** Looks at the machine that a node runs on. Used by one thread; may take long. */
public interface NodeMetrics {

  /** {@return what is in use now, the processors since the last call; empty if it is not known} */
  Optional<MachineUse> measure();
}
