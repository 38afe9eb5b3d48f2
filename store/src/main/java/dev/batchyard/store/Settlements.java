package dev.batchyard.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * What the end of a flagged task brings with it: its live key is freed, its batch counts it. Must
 * be called in the transaction that stores the outcomes, after everything else: a batch is one row
 * that its members' ends wait for.
 */
final class Settlements {

  // tasks that are not flagged do no harm: they have nothing to settle
  private static final String SETTLE =
      """
      select settle(?, ?::timestamptz)
      """;

  private final StoreClock clock;

  Settlements(StoreClock clock) {
    this.clock = clock;
  }

  /** Settles tasks that have just ended, each once; returns how many others became ready by it. */
  int settle(Connection connection, List<Long> tasks) throws SQLException {
    return tasks.isEmpty()
        ? 0
        : Sql.query(
                connection,
                SETTLE,
                r -> r.getInt(1),
                tasks.stream().mapToLong(Long::longValue).toArray(),
                clock.bound())
            .getFirst();
  }
}
