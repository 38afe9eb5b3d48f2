package dev.batchyard.app.sim;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What a world of a seed has: a part of all features and faults, so that each is met with and
 * without the others.
 *
 * @param trouble how long faults go on
 * @param permille of calls that may go wrong
 * @param latency of the others, at most, each way
 * @param upkeep whether nodes do the store's upkeep
 */
record Plan(
    int nodes,
    Duration trouble,
    Set<Faults.Kind> kinds,
    int permille,
    Duration latency,
    boolean upkeep,
    People.Swarm swarm) {

  private static final Duration QUICK = Duration.ofMillis(2);
  private static final Duration SLOW = Duration.ofMillis(300);
  private static final int NODES_MAX = 3;
  private static final int OFTEN = 400;
  private static final int TROUBLE_S_MIN = 8;
  private static final int TROUBLE_S_MORE = 18;

  static Plan of(long seed) {
    SplittableRandom draw = new SplittableRandom(seed ^ 0x5eed);
    Set<Faults.Kind> kinds = EnumSet.noneOf(Faults.Kind.class);
    for (Faults.Kind kind : Faults.Kind.values()) {
      if (draw.nextInt(3) == 0) {
        var _ = kinds.add(kind);
      }
    }
    return new Plan(
        1 + draw.nextInt(NODES_MAX),
        Duration.ofSeconds(TROUBLE_S_MIN + draw.nextInt(TROUBLE_S_MORE)),
        kinds,
        new int[] {0, 10, 50, 150}[draw.nextInt(4)],
        draw.nextInt(8) == 0 ? SLOW : QUICK,
        draw.nextInt(4) == 0,
        People.Swarm.draw(draw));
  }

  /** {@return the same with three nodes and, of faults and deeds, with these alone and often} */
  Plan only(Set<Faults.Kind> some, Set<Script.Deed> deeds) {
    return new Plan(NODES_MAX, trouble, some, OFTEN, QUICK, false, swarm.with(deeds));
  }

  /** {@return whether it has several nodes and these faults} */
  boolean has(Faults.Kind... some) {
    return nodes > 1 && kinds.containsAll(Set.of(some));
  }

  /** {@return whether answers go wrong often in this way} */
  boolean often(Faults.Kind kind) {
    return kinds.contains(kind) && permille >= 50;
  }

  boolean has(Script.Deed deed) {
    return swarm.deeds().contains(deed);
  }
}
