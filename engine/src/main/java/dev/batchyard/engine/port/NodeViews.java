package dev.batchyard.engine.port;

import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.placement.NodeTraits;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Reads about nodes, for people. */
public interface NodeViews {

  /** {@return the live nodes, and those fenced within the last hour, by name; at most 500} */
  List<NodeRow> nodes();

  /** The most tasks that are listed of a node. */
  int HELD_MAX = 100;

  /** {@return tasks that live nodes of this name hold, by id; at most {@link #HELD_MAX}} */
  List<HeldTask> held(String name);

  /** {@return the task types that at least one live node serves} */
  List<String> servedTypes();

  /**
   * Who keeps a node from claiming.
   *
   * @param drains whether it hands over what it runs
   * @param ends whether it ends when it holds nothing
   */
  record Cordoned(String by, Instant at, boolean drains, boolean ends) {}

  /**
   * A task that a node holds.
   *
   * @param claimed since when
   * @param fraction how much of it is done, as last told; empty if it has told nothing
   */
  record HeldTask(long task, String type, Instant claimed, Optional<Double> fraction) {}

  /**
   * A node.
   *
   * @param alive not fenced, and its lease has not lapsed
   * @param traits what it has and serves
   * @param running how many tasks it holds
   * @param active how many attempts had a slot at its last beat
   * @param use how much of its machine was in use then; empty if it was not known
   * @param load its score then, as {@link dev.batchyard.engine.placement.NodeLoad#score()}
   * @param cordon who keeps it from claiming; empty if nobody does
   * @param refused writes of lost leases that were refused
   */
  record NodeRow(
      UUID boot,
      String name,
      String host,
      long pid,
      String version,
      int slots,
      NodeTraits traits,
      boolean alive,
      String fencedWhy,
      long running,
      int active,
      Optional<MachineUse> use,
      Optional<Double> load,
      Optional<Cordoned> cordon,
      long refused,
      Instant started,
      Instant lastBeat) {

    /** {@return the slots that no attempt had at its last beat} */
    public int freeSlots() {
      return Math.max(0, slots - active);
    }
  }
}
