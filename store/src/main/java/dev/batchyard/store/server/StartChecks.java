package dev.batchyard.store.server;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.Set;

/** Refuses a server on which Batchyard could not keep its promises, and says why. */
public final class StartChecks {

  private static final int VERSION_MIN = 150_000;
  private static final int POOLER_PROBES = 8;

  private StartChecks() {}

  /**
   * Looks at the server through one connection of its own.
   *
   * @throws CannotStart naming what is wrong and the cure
   */
  public static void run(Database database) {
    DatabaseAddress address = database.address();
    try (Connection connection = database.session()) {
      run(connection, address);
    } catch (SQLException e) {
      throw new CannotStart(explain(e, address), e);
    }
  }

  static void run(Connection connection, DatabaseAddress address) throws SQLException {
    refuseIf(
        Integer.parseInt(show(connection, "server_version_num")) < VERSION_MIN,
        "database %s: PostgreSQL %s is too old; Batchyard needs 15 or newer",
        address,
        show(connection, "server_version"));
    refuseIf(
        query(connection, "select pg_is_in_recovery()").equals("t"),
        "database %s: the server is in recovery (a standby, read-only)%s; give the primary's address",
        address,
        "");
    for (String setting : new String[] {"fsync", "full_page_writes"}) {
      refuseIf(
          show(connection, setting).equals("off"),
          "database %s: %s is off, so a crash loses what was acknowledged; turn it on in postgresql.conf",
          address,
          setting);
    }
    refuseIf(
        show(connection, "synchronous_commit").equals("off"),
        "database %s: %s is off for this session; a pooler or the server overrides it: turn it on",
        address,
        "synchronous_commit");
    Set<String> backends = new HashSet<>();
    for (int probe = 0; probe < POOLER_PROBES; probe++) {
      backends.add(query(connection, "select pg_backend_pid()"));
    }
    refuseIf(
        backends.size() > 1,
        "database %s: a transaction pooler stands in between (%s server processes behind one"
            + " connection); give the server's own address",
        address,
        Integer.toString(backends.size()));
    refuseIf(
        query(
                connection,
                """
                select case when to_regnamespace('batchyard') is null
                            then has_database_privilege(current_database(), 'create')
                            else has_schema_privilege('batchyard', 'usage') end
                """)
            .equals("f"),
        "database %s: %s may not use the schema batchyard or create it; GRANT CREATE ON DATABASE to it",
        address,
        address.user());
  }

  private static void refuseIf(boolean bad, String message, DatabaseAddress at, String detail) {
    if (bad) {
      throw new CannotStart(message.formatted(at, detail));
    }
  }

  private static String show(Connection connection, String setting) throws SQLException {
    return query(connection, "show " + setting);
  }

  private static String query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }

  /** One line for what the driver says, with the cure. */
  static String explain(SQLException e, DatabaseAddress address) {
    String state = e.getSQLState() == null ? "" : e.getSQLState();
    String said = String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
    return switch (state) {
      case "28P01", "28000" ->
          "database %s: the server refuses the user or password; check BATCHYARD_DB_USER and BATCHYARD_DB_PASSWORD"
              .formatted(address);
      case "3D000" ->
          "database %s: there is no database of that name; create it, or name another with --db"
              .formatted(address);
      case "08001", "08004", "08006" ->
          "database %s: cannot connect (%s); check that the server runs and --db names it"
              .formatted(address, said);
      default -> "database %s: %s (SQLSTATE %s)".formatted(address, said, state);
    };
  }
}
