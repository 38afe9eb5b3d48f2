package dev.batchyard.testkit.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import dev.batchyard.testkit.proxy.Network.Way;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.ds.PGSimpleDataSource;

@PostgresTest
class PostgresProxyTest {

  private static final Duration SOON = Duration.ofSeconds(20);
  private static final int SOCKET_TIMEOUT_S = 1;

  private final LostReplies lost = new LostReplies();
  private TestDatabase database;
  private PostgresProxy proxy;

  @BeforeEach
  void open(TestDatabase given) throws Exception {
    database = given;
    proxy = PostgresProxy.before(() -> database.address().port(), lost);
    database.execute(
        "drop table if exists item; create table item (id integer primary key, name text)");
  }

  @AfterEach
  void close() throws Exception {
    proxy.close();
    await("the end of all links", () -> proxy.connections() == 0);
  }

  @Test
  void what_passes_is_what_was_sent() throws Exception {
    try (Connection through = connect();
        Statement statement = through.createStatement()) {
      statement.execute("insert into item values (0, '王小明')");
      StringBuilder rows = new StringBuilder();
      for (int id = 1; id <= 50_000; id++) {
        rows.append(id).append("\t行 ").append(id).append('\n');
      }
      assertThat(
              through
                  .unwrap(PGConnection.class)
                  .getCopyAPI()
                  .copyIn("copy item from stdin", new StringReader(rows.toString())))
          .isEqualTo(50_000);
      try (ResultSet row = statement.executeQuery("select name from item order by id")) {
        row.next();
        assertThat(row.getString(1)).isEqualTo("王小明");
        row.next();
        assertThat(row.getString(1)).isEqualTo("行 1");
      }
    }
    assertThat(items()).isEqualTo("50001");
  }

  @Test
  void a_slow_network_delays_every_message() throws Exception {
    try (Connection through = connect()) {
      proxy.network().delay(Duration.ofMillis(100));
      assertThat(took(() -> run(through, "select 1"))).isGreaterThan(Duration.ofMillis(200));
      proxy.network().heal();
      assertThat(took(() -> run(through, "select 1"))).isLessThan(Duration.ofMillis(100));
    }
  }

  @Test
  void a_narrow_network_takes_its_time_for_many_bytes() throws Exception {
    try (Connection through = connect()) {
      proxy.network().throttle(64_000);
      assertThat(took(() -> run(through, "select repeat('x', 32000)")))
          .isGreaterThan(Duration.ofMillis(450));
    }
  }

  @Test
  void a_black_hole_accepts_and_answers_nothing_until_it_is_healed() throws Exception {
    try (Connection patient = connect();
        Connection standing = connect(SOCKET_TIMEOUT_S)) {
      proxy.network().blackHole();
      Thread waiting = Thread.ofVirtual().start(() -> run(patient, "insert into item values (1)"));
      assertThatThrownBy(() -> standing.createStatement().execute("insert into item values (2)"))
          .hasRootCauseInstanceOf(java.net.SocketTimeoutException.class);
      assertThatThrownBy(() -> connect(SOCKET_TIMEOUT_S)).isInstanceOf(SQLException.class);
      assertThat(items()).isEqualTo("0");
      proxy.network().heal();
      assertThat(waiting.join(SOON)).isTrue();
      assertThat(database.ask("select count(*) from item where id = 1")).isEqualTo("1");
    }
  }

  @Test
  void a_reset_is_told_at_once_to_both_sides() throws Exception {
    try (Connection through = connect()) {
      String backend = backend(through);
      Thread.ofVirtual()
          .start(() -> {
            await("a running statement", () -> ask(active(backend)).equals("1"));
            proxy.reset();
          });
      Duration took =
          took(() ->
              assertThatThrownBy(() -> through.createStatement().execute("select pg_sleep(20)"))
                  .isInstanceOf(SQLException.class));
      assertThat(took).isLessThan(SOON);
    }
  }

  @Test
  void half_open_the_server_sees_the_end_and_the_client_waits_in_vain() throws Exception {
    try (Connection through = connect(SOCKET_TIMEOUT_S)) {
      String backend = backend(through);
      proxy.leaveHalfOpen();
      await("the end of the session", () -> ask(alive(backend)).equals("0"));
      assertThatThrownBy(() -> through.createStatement().execute("select 1"))
          .hasRootCauseInstanceOf(java.net.SocketTimeoutException.class);
    }
  }

  @Test
  void one_way_statements_arrive_and_replies_do_not() throws Exception {
    try (Connection through = connect(SOCKET_TIMEOUT_S)) {
      proxy.network().block(Way.TO_CLIENT);
      assertThatThrownBy(() -> through.createStatement().execute("insert into item values (1)"))
          .hasRootCauseInstanceOf(java.net.SocketTimeoutException.class);
      assertThat(items()).isEqualTo("1");
    }
  }

  @Test
  void the_other_way_nothing_arrives() throws Exception {
    try (Connection through = connect(SOCKET_TIMEOUT_S)) {
      proxy.network().block(Way.TO_SERVER);
      assertThatThrownBy(() -> through.createStatement().execute("insert into item values (1)"))
          .hasRootCauseInstanceOf(java.net.SocketTimeoutException.class);
      assertThat(items()).isEqualTo("0");
    }
  }

  @Test
  void the_reply_to_a_statement_that_commits_by_itself_is_lost() throws Exception {
    try (Connection through = connect()) {
      LostReplies.Aim aim = lost.loseOf("insert into item");
      assertThat(run(through, "select 'another'")).isTrue();
      assertThat(aim.isHit()).isFalse();
      assertThatThrownBy(() -> through.createStatement().execute("insert into item values (1)"))
          .isInstanceOf(SQLException.class);
      assertThat(aim.await(SOON)).isTrue();
      assertThat(items()).isEqualTo("1");
    }
    try (Connection again = connect()) { // it is lost once
      assertThat(run(again, "insert into item values (2)")).isTrue();
    }
  }

  @Test
  void a_statement_that_the_server_knows_by_name_only_is_recognised() throws Exception {
    try (Connection through = connect()) {
      through.unwrap(PGConnection.class).setPrepareThreshold(1);
      try (PreparedStatement insert =
          through.prepareStatement("insert into item (id) values (?)")) {
        for (int id = 1; id <= 3; id++) {
          insert.setInt(1, id);
          insert.executeUpdate();
        }
        LostReplies.Aim aim = lost.loseOf("insert into item");
        insert.setInt(1, 4);
        assertThatThrownBy(insert::executeUpdate).isInstanceOf(SQLException.class);
        assertThat(aim.isHit()).isTrue();
      }
      assertThat(items()).isEqualTo("4");
    }
  }

  @Test
  void of_a_transaction_the_reply_to_its_commit_is_lost() throws Exception {
    try (Connection through = connect()) {
      through.setAutoCommit(false);
      LostReplies.Aim aim = lost.loseOf("insert into item");
      assertThat(run(through, "insert into item values (1)")).isTrue();
      assertThat(run(through, "select 1")).isTrue();
      assertThat(aim.isHit()).isFalse();
      assertThatThrownBy(through::commit).isInstanceOf(SQLException.class);
      assertThat(aim.isHit()).isTrue();
      assertThat(items()).isEqualTo("1");
    }
  }

  @Test
  void a_commit_in_one_message_with_what_it_commits_is_recognised() throws Exception {
    try (Connection through = connect()) {
      through.setAutoCommit(false);
      LostReplies.Aim aim = lost.loseOf("insert into item");
      try (PreparedStatement both =
          through.prepareStatement("insert into item (id) values (?);\ncommit\n")) {
        both.setInt(1, 1);
        assertThatThrownBy(both::execute).isInstanceOf(SQLException.class);
      }
      assertThat(aim.isHit()).isTrue();
      assertThat(items()).isEqualTo("1");
    }
  }

  @Test
  void what_is_rolled_back_or_refused_is_no_commit() throws Exception {
    LostReplies.Aim aim = lost.loseOf("insert into item");
    try (Connection through = connect()) {
      through.setAutoCommit(false);
      assertThat(run(through, "insert into item values (1)")).isTrue();
      through.rollback();
      through.setAutoCommit(true);
      assertThat(run(through, "select 1")).isTrue();
      assertThatThrownBy(() -> through.createStatement().execute("insert into item values ('x')"))
          .isInstanceOf(SQLException.class);
      assertThat(aim.isHit()).isFalse();
    }
    try (Connection through = connect()) {
      assertThatThrownBy(() -> through.createStatement().execute("insert into item values (2)"))
          .isInstanceOf(SQLException.class);
    }
    assertThat(aim.isHit()).isTrue();
    assertThat(items()).isEqualTo("1");
  }

  @Test
  void a_request_to_cancel_finds_its_way() throws Exception {
    try (Connection through = connect();
        Statement statement = through.createStatement()) {
      statement.setQueryTimeout(1);
      assertThatThrownBy(() -> statement.execute("select pg_sleep(20)"))
          .isInstanceOfSatisfying(
              SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("57014"));
    }
  }

  private Connection connect() throws SQLException {
    return connect(0);
  }

  private Connection connect(int socketTimeoutS) throws SQLException {
    PGSimpleDataSource source = database.dataSource();
    source.setPortNumbers(new int[] {proxy.port()});
    source.setSocketTimeout(socketTimeoutS);
    source.setConnectTimeout(socketTimeoutS);
    return source.getConnection();
  }

  private String items() throws SQLException {
    return database.ask("select count(*) from item");
  }

  private String ask(String sql) {
    try {
      return database.ask(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String backend(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select pg_backend_pid()")) {
      row.next();
      return row.getString(1);
    }
  }

  private static String alive(String backend) {
    return "select count(*) from pg_stat_activity where pid = " + backend;
  }

  private static String active(String backend) {
    return alive(backend) + " and state = 'active'";
  }

  private static boolean run(Connection connection, String sql) {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
      return true;
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Duration took(Runnable work) {
    long from = System.nanoTime();
    work.run();
    return Duration.ofNanos(System.nanoTime() - from);
  }

  private static void await(String what, BooleanSupplier condition) {
    long from = System.nanoTime();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - from).as(what).isLessThan(SOON.toNanos());
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
  }
}
