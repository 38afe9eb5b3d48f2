package dev.batchyard.app.sim;

import dev.batchyard.store.server.Database;
import dev.batchyard.testkit.TestDatabase;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.UUID;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The database of simulations, one after the other: emptied before each. Planted bugs change the
 * statements on their way to it, and its functions.
 */
final class SimDatabase implements AutoCloseable {

  private static final String PREPARE =
      """
      create table if not exists sim_item (
        task bigint not null, item integer not null, attempt integer not null);
      create table if not exists sim_step (
        task bigint not null, generation integer not null, step integer not null);
      create table if not exists sim_undo (
        seq bigint generated always as identity, undo_task bigint primary key,
        task bigint not null, generation integer not null, step integer not null);
      insert into retry_policy values ('sim', 3, 'linear', '200 ms', '600 ms') on conflict do nothing;
      insert into queue (name) values ('sim') on conflict do nothing
      """;

  // no truncate: it would have every statement planned anew, which takes longer than most worlds
  private static final String EMPTY =
      """
      delete from task; delete from expiry; delete from task_key; delete from batch;
      delete from outcome; delete from tally; delete from block; delete from lease;
      delete from parked; delete from request; delete from running; delete from node;
      delete from checkpoint; delete from checkpoint_log; delete from reject; delete from attempt_log; delete from event;
      delete from step; delete from compensation; delete from doctor_look; delete from log_line; delete from lane; delete from sim_item; delete from sim_step; delete from sim_undo;
      select setval(oid::regclass, 1, false)
        from pg_class where relkind = 'S' and relnamespace = 'batchyard'::regnamespace;
      update queue set age_step = '60 s', paused_by = null, paused_at = null;
      update id_span set entered_at = null, keep_until = null, kept_why = null
      """;

  private final TestDatabase test;
  private final Database pools;
  private final Connection own;
  private final Connection looked;
  private final Deque<Connection> sessions = new ArrayDeque<>();

  SimDatabase(TestDatabase test) throws SQLException {
    this.test = test;
    this.pools = test.database(new UUID(0, 0));
    this.own = connect();
    this.looked = connect();
    run(PREPARE);
  }

  /** {@return a connection for a session of a node, as nodes have them} */
  Connection session() throws SQLException {
    return sessions.isEmpty() ? pools.session() : sessions.pop();
  }

  /** A session has ended; its connection is for the next. */
  void giveBack(Connection connection) {
    sessions.push(connection);
  }

  static void discard(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** {@return a connection of its own, with the search path of the schema} */
  Connection connect() throws SQLException {
    PGSimpleDataSource source = test.dataSource();
    source.setCurrentSchema("batchyard");
    source.setPrepareThreshold(1);
    source.setOptions("-c plan_cache_mode=force_generic_plan -c jit=off");
    return source.getConnection();
  }

  /** {@return the connection that worlds are looked at through, one after the other} */
  Connection looked() {
    return looked;
  }

  /** {@return the connection for what no process does} */
  Connection own() {
    return own;
  }

  void empty() throws SQLException {
    run(EMPTY);
  }

  void run(String sql) throws SQLException {
    try (Statement statement = own.createStatement()) {
      boolean _ = statement.execute(sql);
    }
  }

  /** {@return the text of a function} */
  String function(String name) throws SQLException {
    try (Statement statement = own.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select pg_get_functiondef(oid) from pg_proc where proname = '" + name + "'")) {
      if (!row.next()) {
        throw new SQLException("no function " + name);
      }
      return row.getString(1);
    }
  }

  /** {@return the texts of all functions} */
  String functions() throws SQLException {
    try (Statement statement = own.createStatement();
        ResultSet row =
            statement.executeQuery(
                """
                select string_agg(pg_get_functiondef(p.oid), '' order by p.proname, p.oid)
                  from pg_proc p
                 where p.pronamespace = 'batchyard'::regnamespace and p.prokind = 'f'
                """)) {
      boolean _ = row.next();
      return row.getString(1);
    }
  }

  /** {@return the pool for statements on our own tables, changed as a bug says} */
  DataSource queue(Bug bug) {
    DataSource queue = pools.queue();
    return bug.changesStatements()
        ? (DataSource)
            proxy(
                DataSource.class,
                queue,
                (name, arguments, answer) ->
                    answer instanceof Connection connection ? changed(connection, bug) : answer,
                bug)
        : queue;
  }

  /** {@return a connection whose statements are changed as a bug says} */
  Connection changed(Connection connection, Bug bug) {
    return bug.changesStatements()
        ? (Connection) proxy(Connection.class, connection, (name, arguments, answer) -> answer, bug)
        : connection;
  }

  private interface Answered {
    Object of(String method, Object[] arguments, Object answer);
  }

  private static Object proxy(Class<?> type, Object target, Answered answered, Bug bug) {
    return Proxy.newProxyInstance(
        SimDatabase.class.getClassLoader(),
        new Class<?>[] {type},
        (self, method, arguments) -> {
          if (method.getName().equals("prepareStatement") && arguments.length == 1) {
            arguments[0] = bug.changed((String) arguments[0]);
          }
          try {
            Object answer = method.invoke(target, arguments);
            return answer == null ? null : answered.of(method.getName(), arguments, answer);
          } catch (InvocationTargetException e) {
            throw e.getTargetException();
          }
        });
  }

  @Override
  public void close() throws SQLException {
    sessions.forEach(SimDatabase::discard);
    own.close();
    looked.close();
    pools.close();
  }
}
