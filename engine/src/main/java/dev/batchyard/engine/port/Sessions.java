package dev.batchyard.engine.port;

/** Opens the one dedicated connection of a node. */
public interface Sessions {

  /**
   * Connects, takes the advisory lock of the boot, stores or renews the node's row, fences boots of
   * the same name whose lock is free or whose lease has lapsed, and listens for wake-ups. Of two
   * nodes that open at once under one name, one comes first.
   *
   * @throws SessionLost if the store cannot be reached
   * @throws BootFenced if this boot was fenced: the node must start a new one
   * @throws NameTaken if another boot of this name holds its lock and its lease; nothing was stored
   */
  NodeSession open(NodeRegistration node);

  /** Takes a node out for good, at its orderly end: nobody needs to wait for its lease. */
  void leave(java.util.UUID boot);
}
