package dev.batchyard.engine.run;

import dev.batchyard.engine.placement.NodeTraits;
import java.time.Duration;

/**
 * How a node runs.
 *
 * @param name the same over restarts of this node
 * @param host where it runs, for people
 * @param pid of this process, for people
 * @param version of the program, for people
 * @param slots how many attempts it runs at once; 1 to 1,000
 * @param lease how long the others wait for a node that falls silent; the beat is a tenth of it
 * @param stopGrace how long a graceful stop waits for attempts to reach a checkpoint
 * @param traits what it has and serves
 */
public record EngineConfig(
    String name,
    String host,
    long pid,
    String version,
    int slots,
    Duration lease,
    Duration stopGrace,
    NodeTraits traits) {

  /** The lease unless told otherwise. */
  public static final Duration DEFAULT_LEASE = Duration.ofSeconds(10);

  /** The grace of a stop unless told otherwise. */
  public static final Duration DEFAULT_STOP_GRACE = Duration.ofSeconds(30);

  private static final int SLOTS_MAX = 1_000;
  private static final Duration LEASE_MIN = Duration.ofMillis(500);

  public EngineConfig {
    if (slots < 1 || slots > SLOTS_MAX) {
      throw new IllegalArgumentException("slots: " + slots + " is not in 1 to " + SLOTS_MAX);
    }
    if (lease.compareTo(LEASE_MIN) < 0) {
      throw new IllegalArgumentException("lease: " + lease + " is shorter than " + LEASE_MIN);
    }
    if (stopGrace.isNegative()) {
      throw new IllegalArgumentException("stopGrace < 0: " + stopGrace);
    }
  }

  Duration beat() {
    return lease.dividedBy(10);
  }

  /** From here on the node doubts its own lease: a fifth of it is kept as a margin. */
  Duration doubtAfter() {
    return lease.minus(lease.dividedBy(5));
  }

  /** Polling is the truth; wake-ups only make it sooner. */
  Duration poll() {
    return lease.dividedBy(20);
  }

  /** A cancelled attempt that goes on for this long is interrupted. */
  Duration interruptAfter() {
    return lease.dividedBy(5);
  }

  /**
   * A cancelled or lost attempt that goes on for this long is abandoned: its writes are refused.
   */
  Duration abandonAfter() {
    return lease.minus(lease.dividedBy(5));
  }
}
