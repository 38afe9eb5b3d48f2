package dev.batchyard.app.process;

import dev.batchyard.testkit.proxy.Network;
import java.time.Duration;

/** How the network between a node and PostgreSQL fails without a word to either. */
enum Cut {
  /** A black hole: nothing passes, and no connection ends. */
  BLACK_HOLE,
  /** What the node sends arrives, and no answer does. */
  ONE_WAY,
  /** All arrives, late. */
  SLOW;

  private static final Duration LATE = Duration.ofMillis(30);

  /** From now on, until the network is healed. */
  void begin(Network network) {
    switch (this) {
      case BLACK_HOLE -> network.blackHole();
      case ONE_WAY -> network.block(Network.Way.TO_CLIENT);
      case SLOW -> network.delay(LATE);
    }
  }
}
