package dev.batchyard.engine.placement;

import java.time.Duration;

/**
 * How many nodes there should be, for whoever starts and stops them. Pure; to be asked again and
 * again, a minute or so apart.
 */
public final class ScaleSignal {

  /** Work that waits no longer than this is no reason for another node. */
  public static final Duration PATIENCE = Duration.ofSeconds(30);

  /** What a node that is not there yet is taken to have: as a node has unless it is told. */
  public static final int USUAL_SLOTS = 8;

  private ScaleSignal() {}

  /**
   * The nodes that what runs and waits could fill, but no more than there are while nothing waits
   * for longer than {@link #PATIENCE}, and twice as many as there are at most: quick tasks by the
   * million need time, not a node for each eight.
   *
   * @param running tasks that nodes hold
   * @param waiting tasks that are due and that a node could start
   * @param oldest how long the first of them has waited
   * @param nodes how many there are
   * @param slots of all of these
   * @return 0 if there is nothing to do
   */
  public static int desired(long running, long waiting, Duration oldest, int nodes, int slots) {
    int each = nodes == 0 ? USUAL_SLOTS : Math.max(1, slots / nodes);
    long busy = Math.ceilDiv(Math.min(running, Math.max(slots, 0)), each);
    if (waiting == 0) {
      return Math.toIntExact(busy);
    }
    long useful = Math.ceilDiv(running + waiting, each);
    long most = oldest.compareTo(PATIENCE) <= 0 ? Math.max(nodes, 1) : Math.max(1, 2L * nodes);
    return Math.toIntExact(Math.max(busy, Math.min(useful, most)));
  }
}
