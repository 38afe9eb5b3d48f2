package dev.batchyard.bench;

import com.zaxxer.hikari.HikariDataSource;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.sql.DataSource;

/**
 * What a server did for an operation, by its own statistics and its write-ahead log. Nobody else
 * may use the server meanwhile; {@code pg_stat_statements} must be loaded.
 */
final class ServerCounts implements AutoCloseable {

  /** {@code BEGIN} travels with the first statement of its transaction: it is no round trip. */
  private static final String OF_OTHERS =
      " where query !~* '^begin' and query !~ 'pg_stat_|pg_current_wal|pg_extension'";

  private static final String STATEMENTS = "select sum(calls) from pg_stat_statements" + OF_OTHERS;

  private static final String EACH_STATEMENT =
      "select calls, mean_exec_time, left(regexp_replace(query, '\\s+', ' ', 'g'), 100) from pg_stat_statements"
          + OF_OTHERS
          + " order by calls desc, 3";

  private static final String FLUSHES =
      """
      select sum(fsyncs) from pg_stat_io where object = 'wal' and backend_type = 'client backend'
      """;

  private static final String ROWS =
      """
      select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables
      """;

  private static final String EACH_TABLE =
      """
      select relname, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_user_tables
       where n_tup_ins + n_tup_upd + n_tup_del > 0 order by relname
      """;

  private static final String LSN = "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn";

  private static final String LOGGED =
      """
      select sum(count) filter (where name in ('Btree/INSERT_LEAF', 'Btree/INSERT_POST',
                                               'Btree/SPLIT_L', 'Btree/SPLIT_R')),
             sum(record_size), sum(fpi_size)
        from pg_get_wal_stats('0/0'::pg_lsn + ?::numeric, '0/0'::pg_lsn + ?::numeric, true)
             t (name, count, count_percentage, record_size, record_size_percentage, fpi_size)
      """;

  private final Connection connection;
  private final HikariDataSource pool;
  private final PrintStream out;

  /**
   * Over a source of connections of its own and the pool that the operations use.
   *
   * @param out is told each statement and each table
   */
  ServerCounts(DataSource source, HikariDataSource pool, PrintStream out) throws SQLException {
    this.connection = source.getConnection();
    this.pool = pool;
    this.out = out;
    execute("create extension pg_stat_statements");
    execute("create extension pg_walinspect");
  }

  /**
   * What an operation did.
   *
   * @param statements round trips of a call
   * @param flushes of a call
   * @param rows inserted, updated or deleted, of a task
   * @param indexEntries added, of a task
   * @param wal_bytes of a task, without whole pages
   * @param fullPages_bytes of a task: pages logged whole at their first change behind a checkpoint
   */
  record Counted(
      String name,
      double statements,
      double flushes,
      double rows,
      double indexEntries,
      double wal_bytes,
      double fullPages_bytes) {}

  /** Counts calls that handle so many tasks together. */
  Counted of(String name, int calls, int tasks, Runnable work) throws SQLException {
    handIn();
    execute("select pg_stat_reset()");
    execute("select pg_stat_statements_reset()");
    double flushesBefore = numbers(FLUSHES, 1)[0];
    long from = (long) numbers(LSN, 1)[0];
    work.run();
    handIn();
    long to = (long) numbers(LSN, 1)[0];
    double flushes = numbers(FLUSHES, 1)[0] - flushesBefore;
    double statements = numbers(STATEMENTS, 1)[0];
    double rows = numbers(ROWS, 1)[0];
    tell(name, calls, tasks);
    execute("select pg_logical_emit_message(true, 'bench', 'flushes what is before it')");
    double[] logged = numbers(LOGGED, 3, from, to);
    return new Counted(
        name,
        statements / calls,
        flushes / calls,
        rows / tasks,
        logged[0] / tasks,
        logged[1] / tasks,
        logged[2] / tasks);
  }

  /** Lets every connection add to the statistics what it has kept for itself. */
  private void handIn() throws SQLException {
    List<Connection> all = new ArrayList<>();
    try {
      for (int i = 0; i < pool.getMaximumPoolSize(); i++) {
        all.add(pool.getConnection());
      }
      for (Connection each : all) {
        try (Statement statement = each.createStatement()) {
          statement.execute("select pg_stat_force_next_flush()");
        }
      }
    } finally {
      for (Connection each : all) {
        each.close();
      }
    }
    execute("select pg_stat_force_next_flush()");
  }

  private void tell(String name, int calls, int tasks) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      try (ResultSet rows = statement.executeQuery(EACH_STATEMENT)) {
        while (rows.next()) {
          out.printf(
              Locale.ROOT,
              "# %s: %.3f a call, each %.3f ms of the server: %s%n",
              name,
              rows.getDouble(1) / calls,
              rows.getDouble(2),
              rows.getString(3));
        }
      }
      try (ResultSet rows = statement.executeQuery(EACH_TABLE)) {
        while (rows.next()) {
          out.printf(
              Locale.ROOT,
              "# %s: %s, of a task: %.4f inserted, %.4f updated, %.4f deleted%n",
              name,
              rows.getString(1),
              rows.getDouble(2) / tasks,
              rows.getDouble(3) / tasks,
              rows.getDouble(4) / tasks);
        }
      }
    }
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private double[] numbers(String sql, int columns, long... parameters) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setLong(i + 1, parameters[i]);
      }
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        double[] numbers = new double[columns];
        for (int i = 0; i < columns; i++) {
          numbers[i] = row.getDouble(i + 1);
        }
        return numbers;
      }
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
