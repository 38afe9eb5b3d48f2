package dev.batchyard.testkit.proxy;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How bytes travel. What is held back is not lost, as TCP loses nothing: it arrives when the way is
 * open again, if anybody still waits for it. Thread-safe.
 */
public final class Network {

  /** Which way bytes go. */
  public enum Way {
    /** Statements. */
    TO_SERVER,
    /** Replies. */
    TO_CLIENT
  }

  private static final long UNLIMITED = Long.MAX_VALUE;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<Way> blocked = EnumSet.noneOf(Way.class);
  private Duration latency = Duration.ZERO;
  private long bytesPerSecond = UNLIMITED;

  Network() {}

  /** Each message takes so much longer, either way. */
  public void delay(Duration by) {
    change(() -> latency = by);
  }

  /** No more than so many bytes a second pass on a connection, either way. */
  public void throttle(long most) {
    if (most < 1) {
      throw new IllegalArgumentException("most: " + most + " must be at least 1 byte a second");
    }
    change(() -> bytesPerSecond = most);
  }

  /** Nothing goes this way any more; the other way is as it was. */
  public void block(Way way) {
    change(() -> blocked.add(way));
  }

  /** A black hole: connections are accepted and stand, and no byte passes. */
  public void blackHole() {
    change(() -> blocked.addAll(EnumSet.allOf(Way.class)));
  }

  /** All is well again. */
  public void heal() {
    change(() -> {
      blocked.clear();
      latency = Duration.ZERO;
      bytesPerSecond = UNLIMITED;
    });
  }

  private void change(Runnable how) {
    lock.lock();
    try {
      how.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Returns when so many bytes may go on their way. */
  void pass(Way way, int bytes) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long leftNs = takesNs(bytes);
      while (blocked.contains(way) || leftNs > 0) {
        if (blocked.contains(way)) {
          changed.await();
        } else {
          leftNs = Math.min(changed.awaitNanos(leftNs), takesNs(bytes));
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private long takesNs(int bytes) {
    long sendingNs =
        bytesPerSecond == UNLIMITED ? 0 : bytes * TimeUnit.SECONDS.toNanos(1) / bytesPerSecond;
    return latency.toNanos() + sendingNs;
  }
}
