package dev.batchyard.engine.run;

import java.time.Duration;
import java.util.UUID;
import java.util.function.LongSupplier;

/**
 * One boot of a node, from its drawing to its fencing, and its effect gate. All time is the node's
 * own monotonic clock, counted from before a beat was sent. Thread-safe.
 */
final class Boot {

  private final UUID id;
  private final LongSupplier nanos;
  private final long doubtAfterNs;
  private volatile long renewedAtNs;
  private volatile boolean connected;
  private volatile boolean over;

  Boot(UUID id, LongSupplier nanos, Duration doubtAfter) {
    this.id = id;
    this.nanos = nanos;
    this.doubtAfterNs = doubtAfter.toNanos();
    this.renewedAtNs = nanos.getAsLong() - doubtAfterNs;
  }

  UUID id() {
    return id;
  }

  /** A beat was answered that had been sent at this instant of the ticker. */
  void renewed(long sentAtNs) {
    renewedAtNs = sentAtNs;
    connected = true;
  }

  /** The session is gone: no effect passes until it is back. */
  void disconnected() {
    connected = false;
  }

  /** Fenced, or left: nothing of this boot counts any more. */
  void end() {
    over = true;
  }

  /** {@return whether an effect may pass now} */
  boolean gateOpen() {
    return connected && !inDoubt();
  }

  /** {@return whether another node may already own what this boot held} */
  boolean inDoubt() {
    return over || nanos.getAsLong() - renewedAtNs >= doubtAfterNs;
  }
}
