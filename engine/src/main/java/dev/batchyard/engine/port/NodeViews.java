package dev.batchyard.engine.port;

import java.time.Instant;
import java.util.List;
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
   * @param running how many tasks it holds
   * @param refused writes of lost leases that were refused
   */
  record NodeRow(
      UUID boot,
      String name,
      String host,
      long pid,
      String version,
      int slots,
      boolean alive,
      String fencedWhy,
      long running,
      long refused,
      Instant started,
      Instant lastBeat) {}
}
