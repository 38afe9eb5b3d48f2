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

  /** {@return the task types that at least one live node serves} */
  List<String> servedTypes();

  /**
   * A node.
   *
   * @param alive not fenced, and its lease has not lapsed
   * @param traits what it has and serves
   * @param running how many tasks it holds
   * @param active how many attempts had a slot at its last beat
   * @param use how much of its machine was in use then; empty if it was not known
   * @param load its score then, as {@link dev.batchyard.engine.placement.NodeLoad#score()}
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
      long refused,
      Instant started,
      Instant lastBeat) {

    /** {@return the slots that no attempt had at its last beat} */
    public int freeSlots() {
      return Math.max(0, slots - active);
    }
  }
}
