package dev.batchyard.engine.port;

/** Opens the one dedicated connection of a node. */
public interface Sessions {

  /**
   * Connects, takes the advisory lock of the boot, stores or renews the node's row, fences dead
   * boots of the same name whose lock is free, and listens for wake-ups.
   *
   * @throws SessionLost if the store cannot be reached
   * @throws BootFenced if this boot was fenced: the node must start a new one
   */
  NodeSession open(NodeRegistration node);

  /** Takes a node out for good, at its orderly end: nobody needs to wait for its lease. */
  void leave(java.util.UUID boot);
}
