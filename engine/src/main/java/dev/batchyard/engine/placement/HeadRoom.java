package dev.batchyard.engine.placement;

import java.time.Duration;

/**
 * How a node claims while another one, which may run the same tasks, is clearly less loaded: it
 * yields the first chance for {@link #YIELD}, and then takes what is its share of the head room, at
 * least one task. So the least loaded node gets what comes, work in plenty is spread in proportion
 * to the head room, and nothing waits for a node that does not come for it.
 *
 * <p>The head room of a machine is what its processors and memory have left, the mean of both. How
 * many of its slots are taken is not part of it: that is what claims change, not what they follow.
 */
public final class HeadRoom {

  /** How long the other one has the first chance: some claims of a busy store. */
  public static final Duration YIELD = Duration.ofMillis(20);

  /** A score that is lower by this is clearly lower. */
  public static final double CLEARLY = 0.15;

  private HeadRoom() {}

  /** {@return the head room, from 0 to 1} */
  public static double of(MachineUse use) {
    return 1 - (use.cpu() + use.memory()) / 2;
  }

  /**
   * {@return the share of a node, from 0 to 1}
   *
   * @param own its head room
   * @param most that of the node that has most
   */
  public static double share(double own, double most) {
    return most <= own ? 1 : own / most;
  }

  /**
   * {@return the most tasks of a type that a node takes after it has yielded: its share of what its
   * slots could run meanwhile, at least one}
   *
   * @param share from 0 to 1
   * @param slots of the node
   * @param taking how long an attempt takes
   */
  public static int atOnce(double share, int slots, Duration taking) {
    double inTime = share * slots * YIELD.toNanos() / Math.max(1, taking.toNanos());
    return (int) Math.clamp(inTime, 1, Integer.MAX_VALUE);
  }
}
