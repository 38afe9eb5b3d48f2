package dev.batchyard.store.server;

import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Refuses a server on which Batchyard could not keep its promises, and says why. */
public final class StartChecks {

  private static final int VERSION_MIN = 150_000;
  private static final int POOLER_LOOKS = 4;
  private static final String WRONG_PASSWORD = "28P01";

  /** The driver's own state for a login that it cannot go on with. */
  private static final String REJECTED_BY_DRIVER = "08004";

  private StartChecks() {}

  /**
   * Looks at the server through two connections of its own.
   *
   * @throws CannotStart naming what is wrong and the cure
   */
  public static void run(Database database) {
    DatabaseAddress address = database.address();
    try {
      look(database);
    } catch (SQLException e) {
      throw new CannotStart(explain(e, address), e);
    }
  }

  /** The same for a data folder's own server, whose password nobody was asked for. */
  public static void run(Database database, DataFolder folder) {
    try {
      look(database);
    } catch (SQLException e) {
      if (WRONG_PASSWORD.equals(e.getSQLState())) {
        Cluster cluster = new Cluster(folder);
        throw new CannotStart(
            "data folder: %s does not hold the password of the database in %s; put back the one that belongs to it"
                .formatted(cluster.passwordFile(), cluster.data()),
            e);
      }
      throw new CannotStart(explain(e, database.address()), e);
    }
  }

  private static void look(Database database) throws SQLException {
    try (Connection connection = database.session();
        Connection other = database.session()) {
      run(connection, other, database.address());
    }
  }

  static void run(Connection connection, Connection other, DatabaseAddress address)
      throws SQLException {
    refuseIf(
        Integer.parseInt(show(connection, "server_version_num")) < VERSION_MIN,
        address,
        "PostgreSQL %s is too old; Batchyard needs 15 or newer"
            .formatted(show(connection, "server_version")));
    refuseIf(
        query(connection, "select pg_is_in_recovery()").equals("t"),
        address,
        "the server is in recovery (a standby, read-only); give the primary's address");
    for (String setting : new String[] {"fsync", "full_page_writes"}) {
      refuseIf(
          show(connection, setting).equals("off"),
          address,
          "%s is off, so a crash loses what was acknowledged; set %s = on in postgresql.conf"
              .formatted(setting, setting));
    }
    refuseIf(
        isPooled(connection, other),
        address,
        "a transaction pooler stands in between (the server process behind a connection changes);"
            + " give the server's own address, or a pool in session mode");
    refuseIf(
        show(connection, "synchronous_commit").equals("off")
            || !show(connection, "search_path").equals(Database.SCHEMA),
        address,
        "what this session asks for (synchronous_commit = on, a search_path) is not in force; a"
            + " pooler in between must pass on the startup parameter 'options'");
    refuseIf(
        query(connection, MAY_CREATE).equals("f"),
        address,
        "%s may not use the schema batchyard or create it; GRANT CREATE ON DATABASE to it"
            .formatted(address.user()));
  }

  /**
   * Looks whether the server allows as many connections as a node may hold. Clients, which hold few
   * whatever the slots, need not ask.
   *
   * @param perSlot how many of them each slot takes
   * @throws CannotStart naming the slots, what they need, what there is and the cure
   */
  public static void refuseSlotsBeyondConnections(Database database, int slots, int perSlot) {
    try (Connection connection = database.session()) {
      int most = Integer.parseInt(show(connection, "max_connections"));
      int reserved = Integer.parseInt(query(connection, RESERVED));
      int needed = database.connectionsMax();
      int fit = slots - Math.ceilDiv(needed - (most - reserved), perSlot);
      if (fit < slots) {
        throw new CannotStart(
            "slots: %d need %d connections, and database %s allows %d (max_connections %d, of which %d are reserved); %sraise max_connections to %d on a server of your own (--db)"
                .formatted(
                    slots,
                    needed,
                    database.address(),
                    most - reserved,
                    most,
                    reserved,
                    fit < 1 ? "" : "set slots to %d or less, or ".formatted(fit),
                    needed + reserved));
      }
    } catch (SQLException e) {
      throw new CannotStart(explain(e, database.address()), e);
    }
  }

  /** PostgreSQL 15 does not know the second yet. */
  private static final String RESERVED =
      """
      select current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true)::int, 0)
      """;

  private static final String MAY_CREATE =
      """
      select case when to_regnamespace('batchyard') is null
                  then has_database_privilege(current_database(), 'create')
                  else has_schema_privilege('batchyard', 'usage') end
      """;

  /**
   * Whether two connections share a server process, or one of them changes it. An idle pooler gives
   * the same process to every transaction, so a single connection would see nothing.
   */
  private static boolean isPooled(Connection connection, Connection other) throws SQLException {
    String mine = backend(connection);
    for (int look = 0; look < POOLER_LOOKS; look++) {
      if (backend(other).equals(mine) || !backend(connection).equals(mine)) {
        return true;
      }
    }
    other.setAutoCommit(false); // holds what a pooler would give to the next transaction
    try {
      return backend(other).equals(mine) || !backend(connection).equals(mine);
    } finally {
      other.rollback();
      other.setAutoCommit(true);
    }
  }

  private static String backend(Connection connection) throws SQLException {
    return query(connection, "select pg_backend_pid()");
  }

  private static void refuseIf(boolean bad, DatabaseAddress at, String why) {
    if (bad) {
      throw new CannotStart("database " + at + ": " + why);
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
    String why =
        switch (state) {
          case WRONG_PASSWORD ->
              "the server refuses the user or password; check BATCHYARD_DB_USER and BATCHYARD_DB_PASSWORD";
          case "28000" ->
              "the server lets this user not in (%s); check BATCHYARD_DB_USER, sslmode, and the server's pg_hba.conf"
                  .formatted(said);
          case "3D000" -> "there is no database of that name; create it, or name another with --db";
          case "08001", "08004", "08006" ->
              state.equals(REJECTED_BY_DRIVER) && address.password().isEmpty()
                  ? "the server asks for a password and none is given (%s); set BATCHYARD_DB_PASSWORD"
                      .formatted(said)
                  : "cannot connect (%s); check that the server runs and --db names it"
                      .formatted(isUnknownHost(e) ? "unknown host " + address.host() : said);
          case "08P01" ->
              "it does not answer as PostgreSQL does (%s); check that --db names a PostgreSQL server itself"
                  .formatted(said);
          case "42704" ->
              "the server does not know a setting (%s); Batchyard needs PostgreSQL 15 or newer"
                  .formatted(said);
          case "53300" ->
              "it has no connection left (%s); raise max_connections or end some".formatted(said);
          case "57P03" -> "it is starting or stopping (%s); try again".formatted(said);
          default -> "%s (SQLSTATE %s)".formatted(said, state);
        };
    return "database " + address + ": " + why;
  }

  private static boolean isUnknownHost(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnknownHostException) {
        return true;
      }
    }
    return false;
  }
}
