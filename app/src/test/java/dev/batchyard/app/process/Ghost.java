package dev.batchyard.app.process;

import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.store.Store;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * A node that died with leases, made without a process: it opens a session, claims, and is gone.
 */
final class Ghost {

  private final Store store;
  private final UUID boot;

  private Ghost(Store store, UUID boot) {
    this.store = store;
    this.boot = boot;
  }

  /**
   * Leaves leases behind.
   *
   * @param node its name: a process that starts under it fences it at once
   * @param alone how many leases of one task at most
   * @param fours how many leases of four tasks at most
   */
  static void leaves(Store store, String node, int alone, int fours) {
    Ghost ghost = new Ghost(store, UUID.randomUUID());
    try (NodeSession session = store.sessions().open(ghost.registration(node))) {
      var _ = session.beat(false, 0, NodeSession.Look.NONE);
      for (int n = 0; n < alone; n++) {
        ghost.claim(Deeds.ALONE, 1);
      }
      for (int n = 0; n < fours; n++) {
        ghost.claim(Deeds.MANY, 4);
      }
    }
  }

  private NodeRegistration registration(String node) {
    return new NodeRegistration(
        boot, node, "nowhere", 0, "ghost", List.of(Deeds.ALONE, Deeds.MANY), 1);
  }

  private void claim(String type, int tasks) {
    var _ = store.claims().claim(boot, UUID.randomUUID(), Map.of(type, tasks), tasks, false);
  }
}
