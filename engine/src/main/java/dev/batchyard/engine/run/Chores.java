package dev.batchyard.engine.run;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/** What beats have seen to do, for the thread that does it. It is told again until it is done. */
final class Chores {

  private final Signal told;
  private final AtomicBoolean rescue = new AtomicBoolean();
  private final AtomicBoolean expire = new AtomicBoolean();

  Chores(Threads threads) {
    this.told = new Signal(threads);
  }

  /**
   * Another beat.
   *
   * @param releasable whether nodes that are no more hold something
   * @param expiring whether limits may have passed
   */
  void tell(boolean releasable, boolean expiring) {
    if (releasable) {
      rescue.set(true);
    }
    if (expiring) {
      expire.set(true);
    }
    if (releasable || expiring) {
      told.raise();
    }
  }

  /** Waits until there is something to do, at most this long. */
  void await(Duration most) throws InterruptedException {
    boolean _ = told.await(most);
  }

  /** {@return whether to rescue; it is told once} */
  boolean takeRescue() {
    return rescue.getAndSet(false);
  }

  /** {@return whether to fail what has passed its limits; it is told once} */
  boolean takeExpire() {
    return expire.getAndSet(false);
  }
}
