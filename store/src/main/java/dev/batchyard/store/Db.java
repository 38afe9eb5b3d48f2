package dev.batchyard.store;

import dev.batchyard.engine.port.StoreUnavailable;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Runs statements and short transactions. What lost a race (serialization failure, deadlock) was
 * rolled back and is run again a few times; a store that is away becomes {@link StoreUnavailable}.
 * Thread-safe.
 */
final class Db {

  private static final int TRIES_MAX = 8;
  private static final long PAUSE_MS_MAX = 40;

  /** Something done on one connection. */
  @FunctionalInterface
  interface Work<T> {
    T on(Connection connection) throws SQLException;
  }

  private final DataSource source;
  private final RandomGenerator random;

  /**
   * Over a pool.
   *
   * @param random how long a loser waits; thread-safe
   */
  Db(DataSource source, RandomGenerator random) {
    this.source = source;
    this.random = random;
  }

  /** Runs one statement as a transaction of its own and reads its rows. */
  <T> List<T> query(String sql, Sql.Row<T> row, @Nullable Object... values) {
    return repeating(connection -> Sql.query(connection, sql, row, values));
  }

  /** Runs one statement as a transaction of its own; returns how many rows it changed. */
  int update(String sql, @Nullable Object... values) {
    return repeating(connection -> Sql.update(connection, sql, values));
  }

  /** Runs one statement as a transaction of its own, whatever it returns. */
  void execute(String sql, @Nullable Object... values) {
    var _ =
        repeating(connection -> {
          Sql.run(connection, sql, values);
          return true;
        });
  }

  /** Runs work as one transaction; if it loses a race, it is run again from the start. */
  <T> T transaction(Work<T> work) {
    return repeating(connection -> {
      connection.setAutoCommit(false); // the pool sets it back
      try {
        T result = work.on(connection);
        connection.commit();
        return result;
      } catch (SQLException | RuntimeException e) {
        rollBack(connection, e);
        throw e;
      }
    });
  }

  private <T> T repeating(Work<T> work) {
    List<SQLException> earlier = new ArrayList<>();
    while (true) {
      try (Connection connection = source.getConnection()) {
        return work.on(connection);
      } catch (SQLException e) {
        if (!SqlStates.lostRace(e) || earlier.size() + 1 >= TRIES_MAX) {
          earlier.forEach(e::addSuppressed);
          throw SqlStates.translate(e);
        }
        earlier.add(e);
        pause(earlier.size());
      }
    }
  }

  private void pause(int tries) {
    long most = Math.min(PAUSE_MS_MAX, 1L << tries);
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1 + random.nextLong(most)));
  }

  private static void rollBack(Connection connection, Exception cause) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }
}
