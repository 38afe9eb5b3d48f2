package dev.batchyard.engine.run;

import dev.batchyard.engine.placement.HeadRoom;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How many tasks of a type may be claimed ahead of a free slot: what the node can start within
 * {@link #AHEAD}, by how long attempts of the type took of late (an exponentially weighted mean of
 * weight 1/8). Quick types are claimed hundreds at a time, slow ones not before a slot is free.
 *
 * <p>The mean tells nothing of slots that others hold for long. So once a line had to be given back
 * nothing is claimed ahead any more, until a slot has been left again as soon as the line needs it:
 * else the same tasks would be claimed and given back for as long as the slots are held.
 */
final class Pace {

  /** What waits here longer is given back, so that other nodes may have it. */
  static final Duration GIVE_BACK_AFTER = Duration.ofMillis(100);

  private static final Duration AHEAD = Duration.ofMillis(50);
  private static final long UNKNOWN_NS = Duration.ofMillis(10).toNanos();
  private static final int WEIGHT = 8;

  private final Map<String, Integer> leaseMaxByType;
  private final int slots;
  private final Map<String, Long> meanNsByType = new ConcurrentHashMap<>();
  private volatile boolean stalled;

  Pace(Map<String, Integer> leaseMaxByType, int slots) {
    this.leaseMaxByType = leaseMaxByType;
    this.slots = slots;
  }

  /** An attempt ended. Of two told at once one may be lost: it is a mean. */
  void tell(String type, Duration ran) {
    long meanNs = meanNsByType.getOrDefault(type, UNKNOWN_NS);
    long nextNs = meanNs + (ran.toNanos() - meanNs) / WEIGHT;
    if (nextNs != meanNs) {
      var _ = meanNsByType.put(type, nextNs);
    }
    if (stalled && ran.compareTo(GIVE_BACK_AFTER) < 0) {
      stalled = false;
    }
  }

  /** A line was given back: the slots are held for longer than the means say. */
  void stall() {
    stalled = true;
  }

  /**
   * {@return how many tasks of each type may be claimed now} Types that must wait for a free slot
   * are there with 0.
   *
   * @param free slots that nobody holds
   * @param waiting claimed tasks that wait for a slot
   */
  Map<String, Integer> wanted(int free, int waiting) {
    Map<String, Integer> wanted = new TreeMap<>();
    leaseMaxByType.forEach((type, leaseMax) -> {
      int ahead = stalled ? 0 : ahead(type, leaseMax);
      int room = runsLow(type, waiting) ? free + ahead - waiting : 0;
      wanted.put(type, Math.clamp(room, 0, leaseMax));
    });
    return wanted;
  }

  /**
   * {@return the same of a node that has yielded: of each type at most its share}
   *
   * @param share of the head room, from 0 to 1
   */
  Map<String, Integer> wanted(int free, int waiting, double share) {
    Map<String, Integer> wanted = wanted(free, waiting);
    wanted.replaceAll((type, most) -> Math.min(most, HeadRoom.atOnce(share, slots, mean(type))));
    return wanted;
  }

  private Duration mean(String type) {
    return Duration.ofNanos(meanNsByType.getOrDefault(type, UNKNOWN_NS));
  }

  /** {@return whether the line before the slots is short enough to claim more of this type} */
  boolean runsLow(String type, int waiting) {
    return waiting <= ahead(type, leaseMaxByType.getOrDefault(type, 1)) / 2;
  }

  /** Twice a lease at most: one is worked on while the next is fetched. */
  private int ahead(String type, int leaseMax) {
    if (leaseMax == 1) {
      return 0; // its tasks run long and checkpoint
    }
    long meanNs = Math.max(1, meanNsByType.getOrDefault(type, UNKNOWN_NS));
    return Math.toIntExact(Math.min(2L * leaseMax, slots * AHEAD.toNanos() / meanNs));
  }
}
