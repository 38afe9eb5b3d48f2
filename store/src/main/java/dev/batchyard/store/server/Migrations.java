package dev.batchyard.store.server;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/** Brings the schema {@code batchyard} to what this program needs. */
public final class Migrations {

  /** The newest migration; a test compares it with the files. */
  static final int NEWEST = 1;

  private Migrations() {}

  /**
   * Migrates. Two processes may do so at once.
   *
   * @throws CannotStart if the schema is newer than this program, or was changed by hand
   */
  public static void run(Database database) {
    try (Connection connection = database.session()) {
      int present = present(connection);
      if (present == NEWEST) {
        return;
      }
      if (present > NEWEST) {
        throw new CannotStart(
            "database %s: its schema is version %d, this program knows %d; use the newer program"
                .formatted(database.address(), present, NEWEST));
      }
    } catch (SQLException e) {
      throw new CannotStart(StartChecks.explain(e, database.address()), e);
    }
    migrate(database);
  }

  private static void migrate(Database database) {
    try {
      flyway(database).migrate();
    } catch (FlywayException e) {
      throw new CannotStart(
          "database %s: the schema cannot be migrated: %s"
              .formatted(
                  database.address(), String.valueOf(e.getMessage()).replaceAll("\\s+", " ")),
          e);
    }
  }

  static Flyway flyway(Database database) {
    return Flyway.configure(Migrations.class.getClassLoader())
        .dataSource(new Sessions(database))
        .schemas("batchyard")
        .createSchemas(true)
        .locations("classpath:dev/batchyard/store/migration")
        .validateMigrationNaming(true)
        .load();
  }

  /** The newest version in the database, 0 for none: one cheap query instead of a validation. */
  private static int present(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      try (ResultSet table =
          statement.executeQuery("select to_regclass('batchyard.flyway_schema_history')")) {
        table.next();
        if (table.getString(1) == null) {
          return 0;
        }
      }
      try (ResultSet version =
          statement.executeQuery(
              """
              select coalesce(max(version::int), 0)
                from batchyard.flyway_schema_history
               where success and version is not null
              """)) {
        version.next();
        return version.getInt(1);
      }
    }
  }

  /** Flyway wants a data source; it gets plain sessions. */
  private record Sessions(Database database) implements DataSource {
    @Override
    public Connection getConnection() throws SQLException {
      return database.session();
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
      return database.session();
    }

    @Override
    public PrintWriter getLogWriter() {
      return new PrintWriter(java.io.Writer.nullWriter());
    }

    @Override
    public void setLogWriter(PrintWriter out) {}

    @Override
    public void setLoginTimeout(int seconds) {}

    @Override
    public int getLoginTimeout() {
      return 0;
    }

    @Override
    public Logger getParentLogger() {
      return Logger.getLogger(Logger.GLOBAL_LOGGER_NAME);
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
      throw new SQLException("not a wrapper");
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
      return false;
    }
  }
}
