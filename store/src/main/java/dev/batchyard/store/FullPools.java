package dev.batchyard.store;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * Pools that had no room a moment ago: claims of this process pass over their lanes for that long,
 * whatever waits there, so that others need not wait for a look at them. The more of them there
 * are, the longer it is: looks at full pools come one in {@value #LOOK_EVERY_MS} ms at most. Only a
 * hint: what a claim may take it counts itself. Thread-safe.
 */
final class FullPools {

  /**
   * Of one full pool so many looks come in a second: the node that ended a task forgets at once.
   */
  private static final long PASSED_NS = Duration.ofMillis(25).toNanos();

  private static final long LOOK_EVERY_MS = 5;
  private static final long LOOK_EVERY_NS = Duration.ofMillis(LOOK_EVERY_MS).toNanos();

  private final LongSupplier nanos;
  private final Map<String, Long> pools = new HashMap<>();
  private final Map<Integer, Long> lanes = new HashMap<>();
  private long forgotten;
  private OptionalLong nextNs = OptionalLong.empty();

  /**
   * None yet.
   *
   * @param nanos a ticker
   */
  FullPools(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** {@return how often it was forgotten so far, to be told with what is found after this} */
  synchronized long forgotten() {
    return forgotten;
  }

  /** Room may have come: nothing is passed over. */
  synchronized void forget() {
    pools.clear();
    lanes.clear();
    nextNs = OptionalLong.empty();
    forgotten++;
  }

  /**
   * Passes over pools that have no room, unless room may have come since.
   *
   * @param again after how long they may have some by time alone
   * @param before {@link #forgotten()} before that was found
   */
  synchronized void full(Collection<String> names, Optional<Duration> again, long before) {
    if (before != forgotten) {
      return;
    }
    long nowNs = nanos.getAsLong();
    again.ifPresent(span -> {
      long atNs = nowNs + span.toNanos();
      if (nextNs.isEmpty() || nextNs.getAsLong() - nowNs <= 0 || nextNs.getAsLong() - atNs > 0) {
        nextNs = OptionalLong.of(atNs);
      }
    });
    long passedNs = Math.min(passedNs(), again.map(Duration::toNanos).orElse(Long.MAX_VALUE));
    names.forEach(name -> pools.put(name, nowNs + passedNs));
  }

  /** Passes over one lane, whose tasks use more than a pool has. */
  synchronized void full(int lane, long before) {
    if (before == forgotten) {
      lanes.put(lane, nanos.getAsLong() + passedNs());
    }
  }

  private long passedNs() {
    return Math.max(PASSED_NS, LOOK_EVERY_NS * (pools.size() + lanes.size() + 1L));
  }

  /** {@return after how long one of them may have room by time alone, as far as is known} */
  synchronized Optional<Duration> again() {
    if (nextNs.isEmpty()) {
      return Optional.empty();
    }
    long leftNs = nextNs.getAsLong() - nanos.getAsLong();
    if (leftNs <= 0) {
      nextNs = OptionalLong.empty();
      return Optional.of(Duration.ZERO);
    }
    return Optional.of(Duration.ofNanos(leftNs));
  }

  /** {@return the pools to be passed over now} */
  synchronized String[] pools() {
    return still(pools).keySet().toArray(String[]::new);
  }

  /** {@return the lanes to be passed over now, beside those of these pools} */
  synchronized int[] lanes() {
    return still(lanes).keySet().stream().mapToInt(Integer::intValue).toArray();
  }

  private <K> Map<K, Long> still(Map<K, Long> all) {
    all.values().removeIf(until -> until - nanos.getAsLong() <= 0);
    return all;
  }
}
