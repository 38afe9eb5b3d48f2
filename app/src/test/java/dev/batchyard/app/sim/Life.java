package dev.batchyard.app.sim;

import java.util.ArrayList;
import java.util.List;

/** One life of a simulated process: from here on it may be frozen, and die. */
final class Life {

  final String name;
  private final List<Runnable> deferred = new ArrayList<>();
  private boolean dead;
  private boolean frozen;

  Life(String name) {
    this.name = name;
  }

  /** Nothing of it goes on any more. */
  void end() {
    dead = true;
    deferred.clear();
  }

  boolean isDead() {
    return dead;
  }

  boolean isFrozen() {
    return frozen;
  }

  void freeze() {
    frozen = true;
  }

  /** {@return what would have gone on meanwhile} */
  List<Runnable> thaw() {
    frozen = false;
    List<Runnable> late = List.copyOf(deferred);
    deferred.clear();
    return late;
  }

  /** Does something of it now, or when it goes on, or never. */
  void act(Runnable action) {
    if (frozen && !dead) {
      deferred.add(action);
    } else if (!dead) {
      action.run();
    }
  }
}
