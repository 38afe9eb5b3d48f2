package dev.batchyard.engine.run;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * One boot of a node, from its drawing to its fencing, and its effect gate. All time is the node's
 * own monotonic clock, counted from before a beat was sent. Thread-safe.
 */
final class Boot {

  private final UUID id;
  private final Threads threads;
  private final long beatNs;
  private final long doubtAfterNs;
  private final Lock lock;
  private final Condition news;
  private volatile long renewedAtNs;
  private volatile boolean connected;
  private volatile boolean over;
  private boolean lostOnce;
  private long backAtNs;

  Boot(UUID id, Threads threads, Duration beat, Duration doubtAfter) {
    this.id = id;
    this.threads = threads;
    this.lock = threads.newLock();
    this.news = lock.newCondition();
    this.beatNs = beat.toNanos();
    this.doubtAfterNs = doubtAfter.toNanos();
    this.renewedAtNs = threads.nanos() - doubtAfterNs;
  }

  UUID id() {
    return id;
  }

  /** A beat was answered that had been sent at this instant of the ticker. */
  void renewed(long sentAtNs) {
    tell(() -> {
      if (!connected && lostOnce) {
        backAtNs = threads.nanos();
      }
      renewedAtNs = sentAtNs;
      connected = true;
    });
  }

  /** The session is gone: no effect passes until it is back. */
  void disconnected() {
    tell(() -> {
      lostOnce |= connected;
      connected = false;
    });
  }

  /** Fenced, or left: nothing of this boot counts any more. */
  void end() {
    tell(() -> over = true);
  }

  /**
   * Finds out whether the store was away while an attempt ran that has just failed. The session
   * answers: it breaks with the store, and not when another database is away or when one connection
   * is ended. While it stands, the answer to a later beat is waited for, since a server that dies
   * does not end all its connections at once: at most until the lease is in doubt.
   *
   * <p>True if the session is broken or in doubt, or was opened again no earlier than a beat before
   * the claim: a pool may have handed out a connection from before. An attempt that failed by
   * another database long after the store had come back is taken for a victim all the same: it
   * takes another outage of the store to be taken for one again.
   *
   * @param claimedNs by the ticker
   */
  boolean storeWasAway(long claimedNs) throws InterruptedException {
    long askedNs = threads.nanos();
    lock.lockInterruptibly();
    try {
      while (true) {
        if (!gateOpen() || (lostOnce && backAtNs - claimedNs >= -beatNs)) {
          return true;
        }
        if (renewedAtNs - askedNs >= beatNs) {
          return false;
        }
        long untilDoubtNs = doubtAfterNs - (threads.nanos() - renewedAtNs);
        long _ = news.awaitNanos(Math.max(1, untilDoubtNs));
      }
    } finally {
      lock.unlock();
    }
  }

  private void tell(Runnable change) {
    lock.lock();
    try {
      change.run();
      news.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** {@return whether an effect may pass now} */
  boolean gateOpen() {
    return connected && !inDoubt();
  }

  /** {@return whether another node may already own what this boot held} */
  boolean inDoubt() {
    return over || threads.nanos() - renewedAtNs >= doubtAfterNs;
  }
}
