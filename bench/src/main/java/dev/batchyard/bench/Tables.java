package dev.batchyard.bench;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;

/** The target tables of cells, and what the server wrote for them. */
final class Tables implements AutoCloseable {

  private static final int FLUSHES = 200;

  private final Connection connection;

  Tables(BenchServer server) throws SQLException {
    this.connection = server.source(false).getConnection();
  }

  /** Makes an empty table and lets the server write out what earlier cells left to be written. */
  void make(String name, String columns) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table " + name + " " + columns);
      statement.execute("checkpoint");
    }
  }

  void drop(String name) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("drop table " + name);
    }
  }

  long count(String name) throws SQLException {
    return number("select count(*) from " + name);
  }

  /** {@return how many bytes the server has ever written into its log} */
  long walBytes() throws SQLException {
    return number("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
  }

  /** {@return the median time of a commit of next to nothing, in milliseconds} */
  double flush_ms() throws SQLException {
    double[] took = new double[FLUSHES];
    try (Statement statement = connection.createStatement()) {
      for (int i = 0; i < FLUSHES; i++) {
        long from_ns = System.nanoTime();
        statement.execute("select pg_logical_emit_message(true, 'bench', 'flush')");
        took[i] = (System.nanoTime() - from_ns) / 1e6;
      }
    }
    Arrays.sort(took);
    return Figures.median(took);
  }

  private long number(String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
