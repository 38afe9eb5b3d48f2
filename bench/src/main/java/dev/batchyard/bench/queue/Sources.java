package dev.batchyard.bench.queue;

import dev.batchyard.store.server.DatabaseAddress;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.ds.PGSimpleDataSource;

/** Connections to the database of a queue. */
public final class Sources {

  private Sources() {}

  /** {@return unpooled connections, search path {@code public}} */
  public static PGSimpleDataSource of(DatabaseAddress database) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setServerNames(new String[] {database.host()});
    source.setPortNumbers(new int[] {database.port()});
    source.setDatabaseName(database.database());
    source.setUser(database.user());
    source.setPassword(database.password());
    source.setCurrentSchema("public");
    return source;
  }

  /** {@return one on which every statement is prepared at its first use} */
  static Connection connect(DatabaseAddress database, String options) throws SQLException {
    PGSimpleDataSource source = of(database);
    source.setPrepareThreshold(1);
    source.setOptions(options);
    return source.getConnection();
  }

  /** Runs one statement on a connection of its own. */
  static void execute(DatabaseAddress database, String sql) throws SQLException {
    try (Connection connection = of(database).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** The same with a number for its one parameter. */
  static void execute(DatabaseAddress database, String sql, long number) throws SQLException {
    try (Connection connection = of(database).getConnection();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setLong(1, number);
      statement.execute();
    }
  }

  /** {@return the number that a query gives} */
  static long number(DatabaseAddress database, String sql) throws SQLException {
    try (Connection connection = of(database).getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }
}
