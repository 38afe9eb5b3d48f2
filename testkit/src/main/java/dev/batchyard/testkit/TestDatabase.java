package dev.batchyard.testkit;

import dev.batchyard.store.server.Database;
import dev.batchyard.store.server.DatabaseAddress;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.postgresql.ds.PGSimpleDataSource;

/** The database of one test class. */
public final class TestDatabase {

  /** Connections of the test itself; the leak check leaves them to the test's own care. */
  static final String APPLICATION = "test";

  private final DatabaseAddress address;

  TestDatabase(DatabaseAddress address) {
    this.address = address;
  }

  /** {@return where it is} */
  public DatabaseAddress address() {
    return address;
  }

  /** {@return the pools as a node of this boot has them; the test closes them} */
  public Database database(UUID boot) {
    return new Database(address, boot, 8);
  }

  /** {@return a plain connection with the search path of users; the test closes it} */
  public Connection connect() throws SQLException {
    return dataSource().getConnection();
  }

  /** {@return plain connections, not pooled, with the search path of users} */
  public PGSimpleDataSource dataSource() {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setServerNames(new String[] {address.host()});
    source.setPortNumbers(new int[] {address.port()});
    source.setDatabaseName(address.database());
    source.setUser(address.user());
    source.setPassword(address.password());
    source.setApplicationName(APPLICATION);
    return source;
  }

  /** Runs statements. */
  public void execute(String sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** {@return the first column of the first row as text} */
  public String ask(String sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      if (!row.next()) {
        throw new SQLException("no row: " + sql);
      }
      return String.valueOf(row.getString(1));
    }
  }
}
