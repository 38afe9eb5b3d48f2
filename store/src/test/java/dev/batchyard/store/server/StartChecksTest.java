package dev.batchyard.store.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StartChecksTest {

  @TempDir static Path temp;

  private static EmbeddedServer server;
  private static DatabaseAddress address;

  @BeforeAll
  static void start() throws Exception {
    server = EmbeddedServer.join(Servers.folder(temp.resolve("data")));
    address = server.ensureRunning();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void a_durable_primary_is_accepted() {
    try (Database database = new Database(address, Servers.BOOT, 1)) {
      StartChecks.run(database);
    }
  }

  @Test
  void a_wrong_password_is_refused_and_not_repeated() {
    assertThat(refusal(Servers.with(address, Cluster.USER, "geheim")))
        .contains("refuses the user or password", "BATCHYARD_DB_PASSWORD")
        .doesNotContain("geheim");
  }

  @Test
  void a_password_that_is_not_given_is_asked_for() {
    assertThat(refusal(Servers.with(address, Cluster.USER, "")))
        .contains("asks for a password and none is given")
        .endsWith("set BATCHYARD_DB_PASSWORD");
  }

  @Test
  void a_database_that_is_not_there_is_named() {
    assertThat(refusal(Servers.database(address, "没有")))
        .contains("/没有", "no database of that name", "--db");
  }

  @Test
  void a_server_that_cannot_be_reached_is_named() throws Exception {
    int closed;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      closed = socket.getLocalPort();
    }
    assertThat(refusal(new DatabaseAddress("127.0.0.1", closed, "d", "u", "p", Map.of())))
        .contains("127.0.0.1:" + closed, "cannot connect", "--db");
    assertThat(refusal(new DatabaseAddress("nowhere.invalid", 1, "d", "u", "p", Map.of())))
        .contains("unknown host nowhere.invalid");
  }

  @Test
  void a_user_who_may_not_create_the_schema_is_refused() throws Exception {
    Servers.execute(address, "create role guest login password 'pw'");
    assertThat(refusal(Servers.with(address, "guest", "pw")))
        .contains(
            "guest may not use the schema batchyard or create it", "GRANT CREATE ON DATABASE");
  }

  @Test
  void a_server_that_is_too_old_is_refused() throws Exception {
    Path home = temp.resolve("old");
    Path jar = Path.of("..", "store", "target", "old-postgres.jar");
    try (var zip = new java.util.zip.ZipFile(jar.toFile())) {
      var entry = zip.stream().filter(e -> e.getName().endsWith(".txz")).findFirst().orElseThrow();
      Binaries.extract(zip.getInputStream(entry), home);
    }
    Path data = temp.resolve("old-data");
    Path password = Files.writeString(temp.resolve("old-password"), "pw");
    Programs programs = Programs.of(home, temp, data);
    assertThat(
            programs.run(
                "initdb",
                List.of(
                    "-D",
                    data.toString(),
                    "-U",
                    "u",
                    "-A",
                    "scram-sha-256",
                    "--pwfile=" + password)))
        .extracting(Programs.Result::code)
        .isEqualTo(0);
    int port = new Ports(DataFolder.open(temp.resolve("old-ports"))).choose();
    Files.writeString(
        data.resolve("postgresql.conf"),
        "port = %d\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n".formatted(port),
        StandardOpenOption.APPEND);
    String log = "--log=" + temp.resolve("old.log");
    assertThat(programs.run("pg_ctl", List.of("start", "-w", "-D", data.toString(), log)).code())
        .isEqualTo(0);
    try {
      assertThat(refusal(new DatabaseAddress("127.0.0.1", port, "postgres", "u", "pw", Map.of())))
          .contains("PostgreSQL 14.", "is too old; Batchyard needs 15 or newer");
    } finally {
      assertThat(programs.run("pg_ctl", List.of("stop", "-w", "-D", data.toString())).code())
          .isEqualTo(0);
    }
  }

  @Test
  void a_server_that_may_lose_or_cannot_write_is_refused() throws Exception {
    DataFolder folder = Servers.folder(temp.resolve("unsafe"));
    for (String setting : new String[] {"fsync", "full_page_writes"}) {
      try (EmbeddedServer unsafe = EmbeddedServer.join(folder, Map.of(setting, "off"))) {
        assertThat(refusal(unsafe.ensureRunning()))
            .contains(setting + " is off, so a crash loses what was acknowledged")
            .contains("set " + setting + " = on");
      }
    }
    try (EmbeddedServer careless =
        EmbeddedServer.join(folder, Map.of("synchronous_commit", "off"))) {
      try (Database database = new Database(careless.ensureRunning(), Servers.BOOT, 1)) {
        StartChecks.run(database); // our own connections ask for more than the default
      }
    }
    assertThat(folder.pg().resolve("data/standby.signal")).doesNotExist();
    standby(folder);
  }

  private static void standby(DataFolder folder) {
    try {
      Files.writeString(folder.pg().resolve("data/standby.signal"), "");
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    try (EmbeddedServer standby = EmbeddedServer.join(folder)) {
      assertThat(refusal(standby.ensureRunning())).contains("in recovery", "primary's address");
    }
  }

  @Test
  void a_pooler_that_changes_the_process_behind_a_connection_is_refused() throws Exception {
    try (Database database = new Database(address, Servers.BOOT, 1);
        Connection one = database.session();
        Connection two = database.session();
        Connection three = database.session()) {
      assertPooled(pooled(one, two), three); // round robin
      assertPooled(pooled(one), pooled(one)); // idle: everybody gets the same
      StartChecks.run(one, two, address);
    }
  }

  @Test
  void a_pooler_that_drops_the_settings_of_a_connection_is_refused() throws Exception {
    try (Database database = new Database(address, Servers.BOOT, 1);
        Connection one = database.session();
        Connection two = database.session();
        Statement statement = one.createStatement()) {
      for (String setting : List.of("search_path to public", "synchronous_commit to off")) {
        statement.execute("set " + setting);
        assertThatThrownBy(() -> StartChecks.run(one, two, address))
            .isInstanceOf(CannotStart.class)
            .hasMessageContaining("must pass on the startup parameter 'options'");
        statement.execute("reset all");
      }
    }
  }

  private static void assertPooled(Connection connection, Connection other) {
    assertThatThrownBy(() -> StartChecks.run(connection, other, address))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining("transaction pooler")
        .hasMessageContaining("session mode");
  }

  /** A connection as a pooler shows it: each statement goes to the next of the real ones. */
  private static Connection pooled(Connection... real) {
    Iterator<Connection> next = Stream.generate(() -> Stream.of(real)).flatMap(s -> s).iterator();
    return (Connection)
        Proxy.newProxyInstance(
            StartChecksTest.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              try {
                return method.invoke(next.next(), arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static String refusal(DatabaseAddress at) {
    try (Database database = new Database(at, Servers.BOOT, 1)) {
      StartChecks.run(database);
    } catch (CannotStart refused) {
      assertThat(refused.getMessage()).doesNotContain("\n");
      return String.valueOf(refused.getMessage());
    }
    throw new AssertionError("not refused: " + at);
  }
}
