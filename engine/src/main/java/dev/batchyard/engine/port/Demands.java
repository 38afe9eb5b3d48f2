package dev.batchyard.engine.port;

import dev.batchyard.engine.placement.ScaleSignal;
import java.time.Duration;
import java.util.List;

/** What work there is for which nodes, for whoever starts and stops nodes. */
public interface Demands {

  /** Of each lane at most so many pieces of its line are counted; what is more is left out. */
  int BLOCKS_MAX = 10_000;

  /** The most groups that are told, those with most waiting. */
  int GROUPS_MAX = 200;

  /** {@return the work by queue and requirement; groups without any are left out} */
  List<Demand> list();

  /** {@return all nodes and all work, as one} */
  Demand all();

  /**
   * The work of one queue with one requirement.
   *
   * @param queue its name
   * @param requires as {@link dev.batchyard.api.Requirement} writes it; empty for nothing
   * @param waiting tasks that are due and that a node could start: their queue is not paused, and
   *     their pools have room
   * @param held tasks that are due and that no node could start
   * @param oldest how long the first of those that wait has waited; zero if none does
   * @param running tasks that nodes hold
   * @param nodes live ones that are not cordoned, serve the queue and meet the requirement
   * @param slots of these
   */
  record Demand(
      String queue,
      String requires,
      long waiting,
      long held,
      Duration oldest,
      long running,
      int nodes,
      int slots) {

    /** {@return as {@link ScaleSignal#desired}} */
    public int desiredNodes() {
      return ScaleSignal.desired(running, waiting, oldest, nodes, slots);
    }
  }
}
