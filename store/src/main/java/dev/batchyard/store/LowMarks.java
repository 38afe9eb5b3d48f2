package dev.batchyard.store;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the claims of this node begin to read each lane. What was claimed before leaves dead index
 * entries that somebody's old snapshot may keep for hours; without a mark every claim walks over
 * all of them, and a drain costs the square of its backlog. A mark may pass over what came late or
 * went back, so all lanes are read from their beginning once a second, and whenever nothing was
 * found, unless that reading has become slow. Used by one thread at a time.
 */
final class LowMarks {

  /** A submit takes its due time at its start; one that commits within this is not passed over. */
  private static final Duration SLACK = Duration.ofMillis(50);

  private static final long FULL_EVERY_NS = Duration.ofSeconds(1).toNanos();
  private static final long QUICK_NS = Duration.ofMillis(5).toNanos();

  /** A slow reading from the beginning takes at most this share of the time. */
  private static final int SLOW_SHARE = 20;

  private final LongSupplier nanos;
  private final Map<Integer, Instant> marks = new HashMap<>();
  private long fullAtNs;
  private long fullTookNs;

  LowMarks(LongSupplier nanos) {
    this.nanos = nanos;
    this.fullAtNs = nanos.getAsLong();
  }

  /** Tasks of a lane were taken up to this due time. */
  void taken(int lane, Instant due) {
    var _ = marks.put(lane, due.minus(SLACK));
  }

  /** {@return the marks, none if the lanes are to be read from their beginning now} */
  Map<Integer, Instant> marks() {
    if (nanos.getAsLong() - fullAtNs >= FULL_EVERY_NS) {
      marks.clear();
    }
    return marks;
  }

  /** {@return where to begin, or null for the beginning} */
  @Nullable Instant of(int lane) {
    return marks.get(lane);
  }

  /** {@return whether reading from the beginning is worth it after nothing was found by marks} */
  boolean mayReadAll() {
    long wait = fullTookNs <= QUICK_NS ? 0 : Math.min(FULL_EVERY_NS, SLOW_SHARE * fullTookNs);
    return nanos.getAsLong() - fullAtNs >= wait;
  }

  /** Forgets the marks. */
  void clear() {
    marks.clear();
  }

  /**
   * All lanes were read from their beginning.
   *
   * @param found whether that gave something: then it was not in vain, however long it took
   */
  void readAll(long startedNs, boolean found) {
    fullAtNs = nanos.getAsLong();
    fullTookNs = found ? 0 : fullAtNs - startedNs;
  }

  long now() {
    return nanos.getAsLong();
  }
}
