package dev.batchyard.store;

import dev.batchyard.engine.crash.CrashPoint;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * What the end of a task brings with it beside its outcome: its live key is freed, its batch counts
 * it, its steps are undone, or the undo that waited for this one is at its turn. Must be called in
 * the transaction that stores the outcomes, after everything else: a batch is one row that its
 * members' ends wait for.
 */
final class Settlements {

  // tasks that are not flagged, or have no steps, do no harm: they have nothing to settle
  private static final String SETTLE =
      """
      select settle(?, ?::timestamptz)
      """;

  private static final String SETTLE_AND_UNDO =
      """
      select settle(t.ids, t.now) + undo(t.ids, t.now)
        from (select ?::bigint[] as ids, ?::timestamptz as now) t
      """;

  private static final String UNDO_ENDED =
      """
      select undo_ended(?, ?::timestamptz)
      """;

  private final StoreClock clock;

  Settlements(StoreClock clock) {
    this.clock = clock;
  }

  /**
   * Settles tasks that have just ended badly, each once, flagged or not; returns how many others
   * became ready by it.
   */
  int settle(Connection connection, List<Long> tasks) throws SQLException {
    int ready = call(connection, SETTLE_AND_UNDO, tasks);
    if (!tasks.isEmpty()) {
      CrashPoint.UNDOS_MADE.pass();
    }
    return ready;
  }

  /**
   * Settles flagged tasks whose ends a node has just stored; returns how many others became ready.
   * Whoever stores such an end sees to the steps of the task by itself.
   *
   * @param undos those among them that undo steps
   */
  int finished(Connection connection, List<Long> tasks, List<Long> undos) throws SQLException {
    return call(connection, SETTLE, tasks) + call(connection, UNDO_ENDED, undos);
  }

  /** Lets what waits for an undo that a person has marked go on; returns how many became ready. */
  int marked(Connection connection, long task) throws SQLException {
    return call(connection, UNDO_ENDED, List.of(task));
  }

  private int call(Connection connection, String sql, List<Long> tasks) throws SQLException {
    return tasks.isEmpty()
        ? 0
        : Sql.query(
                connection,
                sql,
                r -> r.getInt(1),
                tasks.stream().mapToLong(Long::longValue).toArray(),
                clock.bound())
            .getFirst();
  }
}
