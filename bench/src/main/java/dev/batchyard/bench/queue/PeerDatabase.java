package dev.batchyard.bench.queue;

import com.zaxxer.hikari.HikariDataSource;
import dev.batchyard.store.server.DatabaseAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * What a peer keeps: tables in a schema of its own, reached through a HikariCP pool whose driver
 * rewrites batched inserts. It connects when it is first used.
 */
final class PeerDatabase implements AutoCloseable {

  private final String schema;
  private final HikariDataSource pool = new HikariDataSource();

  /**
   * Opens nothing yet.
   *
   * @param schema a plain name
   * @param connections the most connections at once
   */
  PeerDatabase(DatabaseAddress address, String schema, int connections) {
    this.schema = schema;
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setServerNames(new String[] {address.host()});
    source.setPortNumbers(new int[] {address.port()});
    source.setDatabaseName(address.database());
    source.setUser(address.user());
    source.setPassword(address.password());
    source.setCurrentSchema(schema);
    source.setReWriteBatchedInserts(true);
    source.setApplicationName(schema);
    pool.setDataSource(source);
    pool.setPoolName(schema);
    pool.setMaximumPoolSize(connections);
  }

  DataSource source() {
    return pool;
  }

  /** Drops everything that the peer has kept. */
  void clear() throws SQLException {
    execute("drop schema if exists " + schema + " cascade");
    execute("create schema " + schema);
  }

  /** Runs one or more statements. */
  void execute(String sql) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** {@return the number that a query of one row answers} */
  long number(String sql) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }

  /** {@return how the connections are set, to be printed} */
  String settings() {
    return "HikariCP of %d connections, reWriteBatchedInserts".formatted(pool.getMaximumPoolSize());
  }

  /** {@return a text from the class path} */
  static String resource(String path) {
    try (InputStream in = ClassLoader.getSystemResourceAsStream(path)) {
      if (in == null) {
        throw new IOException(path + " is not on the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    pool.close();
  }
}
