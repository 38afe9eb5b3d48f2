package dev.batchyard.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.config.Settings;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.server.CannotStart;
import dev.batchyard.store.server.DataFolder;
import dev.batchyard.store.server.DatabaseAddress;
import dev.batchyard.store.server.EmbeddedServer;
import dev.batchyard.store.server.SharedPrograms;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What keeps an installation from opening is said in one line with the cure. */
@PostgresTest(durable = true) // an installation refuses any other
class InstallationTest {

  @TempDir Path temp;

  private final TestDatabase database;

  InstallationTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void a_server_of_ones_own_is_used_and_the_folder_gets_no_database() throws Exception {
    try (Installation installation = Installation.open(with(database.address()))) {
      assertThat(installation.store().nodeViews()).isNotNull();
      assertThat(temp.resolve("data/pg")).isEmptyDirectory();
    }
  }

  @Test
  void a_data_folder_that_cannot_be_one_is_named() throws Exception {
    Path file = Files.writeString(temp.resolve("file"), "x");
    assertThat(refusal(at(file)))
        .isEqualTo("data folder: %s is a file; choose a folder with --data", file);
    assertThat(refusal(at(file.resolve("below"))))
        .contains(file.resolve("below").toString(), "--data");
    assertThat(refusal(at(Path.of("/proc/batchyard"))))
        .startsWith("data folder: cannot write /proc/batchyard (")
        .endsWith("choose another folder with --data");
    Path foreign = Files.createDirectory(temp.resolve("foreign"));
    Files.writeString(foreign.resolve("thesis.odt"), "x");
    assertThat(refusal(at(foreign))).contains(foreign.toString(), "'thesis.odt'", "--data");
  }

  @Test
  void a_database_that_lets_nobody_in_is_named() throws Exception {
    DatabaseAddress a = database.address();
    assertThat(refusal(with(a, a.database(), a.user(), "geheim")))
        .startsWith("database 127.0.0.1:" + a.port())
        .contains("refuses the user or password", "BATCHYARD_DB_PASSWORD")
        .doesNotContain("geheim");
    assertThat(refusal(with(a, a.database(), "", "")))
        .isEqualTo("db-user: has no value; a server of your own (--db) needs BATCHYARD_DB_USER");
    assertThat(refusal(with(a, "nothing_here", a.user(), a.password())))
        .contains("/nothing_here", "no database of that name", "--db");
    assertThat(refusal(url("jdbc:postgresql://nowhere.invalid/work")))
        .contains("unknown host nowhere.invalid", "--db");
    assertThat(refusal(url("jdbc:postgresql://127.0.0.1:%d/x?sslmode=require".formatted(a.port()))))
        .contains("does not support SSL", "127.0.0.1:" + a.port());
  }

  @Test
  void what_is_no_postgresql_is_named() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
      Thread web =
          Thread.ofVirtual()
              .start(() -> {
                try (var caller = socket.accept()) {
                  caller
                      .getOutputStream()
                      .write(
                          "HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                } catch (IOException e) {
                  assertThat(socket.isClosed()).isTrue();
                }
              });
      assertThat(refusal(url("postgresql://127.0.0.1:%d/x".formatted(socket.getLocalPort()))))
          .startsWith("database 127.0.0.1:" + socket.getLocalPort())
          .endsWith("check that --db names a PostgreSQL server itself");
      web.join();
    }
    int closed;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      closed = socket.getLocalPort();
    }
    assertThat(refusal(url("postgresql://127.0.0.1:%d/x".formatted(closed))))
        .contains("cannot connect (", "refused", "--db");
  }

  @Test
  void a_role_without_rights_is_named() throws Exception {
    DatabaseAddress a = database.address();
    database.execute("create role installation_guest login password 'pw'");
    database.execute("create database installation_empty");
    assertThat(refusal(with(a, "installation_empty", "installation_guest", "pw")))
        .contains("installation_guest may not", "GRANT CREATE ON DATABASE");
    assertThat(refusal(with(a, a.database(), "installation_guest", "pw")))
        .contains("installation_guest may not");
  }

  @Test
  void a_schema_of_a_newer_program_is_named() throws Exception {
    DatabaseAddress a = database.address();
    database.execute("create database installation_newer template \"" + a.database() + '"');
    DatabaseAddress newer =
        new DatabaseAddress(
            a.host(), a.port(), "installation_newer", a.user(), a.password(), a.properties());
    try (var session =
            new dev.batchyard.store.server.Database(newer, java.util.UUID.randomUUID(), 1);
        var connection = session.session();
        var statement = connection.createStatement()) {
      statement.execute(
          "insert into batchyard.flyway_schema_history"
              + " select 99, '99', 'x', 'SQL', 'V99__x.sql', 1, 'u', now(), 1, true");
    }
    assertThat(refusal(with(newer))).contains("has version 99", "use the newer program");
  }

  @Test
  void the_folders_own_server_is_checked_as_any_other() throws Exception {
    Path data = temp.resolve("own");
    DataFolder folder = SharedPrograms.in(data);
    try (EmbeddedServer unsafe = EmbeddedServer.join(folder, Map.of("fsync", "off"))) {
      assertThat(refusal(at(data))).contains("fsync is off", "set fsync = on");
      assertThat(unsafe.pid()).as("the other member keeps it").isPresent();
    }
    Path version = data.resolve("pg/data/PG_VERSION");
    String ours = Files.readString(version);
    Files.writeString(version, "17\n");
    assertThat(refusal(at(data))).contains("was made by PostgreSQL 17", "--data");
    Files.writeString(version, ours);

    Path password = data.resolve("run/password");
    String right = Files.readString(password);
    Files.writeString(password, "geheim");
    assertThat(refusal(at(data)))
        .isEqualTo(
            "data folder: %s does not hold the password of the database in %s; put back the one that belongs to it",
            password, data.resolve("pg/data"))
        .doesNotContain("geheim");
    Files.writeString(password, right);

    for (String port :
        new String[] {"", "x", "99999", Integer.toString(database.address().port())}) {
      Files.writeString(data.resolve("run/port"), port);
      try (Installation installation = Installation.open(at(data))) {
        assertThat(installation.folder().root()).as("with port '%s'", port).isEqualTo(data);
      }
    }

    Path standby = Files.writeString(data.resolve("pg/data/standby.signal"), "");
    assertThat(refusal(at(data))).contains("in recovery", "primary's address");
    assertThat(data.resolve("pg/data/postmaster.pid"))
        .as("a refused one is stopped")
        .doesNotExist();
    Files.delete(standby);
    try (EmbeddedServer again = EmbeddedServer.join(folder)) {
      assertThat(again.pid()).isPresent();
    }
  }

  @Test
  void a_node_whose_slots_need_more_connections_than_there_are_is_refused_and_a_client_is_not()
      throws Exception {
    int most = Integer.parseInt(database.ask("show max_connections"));
    int fit = (most - 3 - 7) / 2;
    TaskTypes none = new TaskTypes(List.of());
    try (Installation client = Installation.open(slots(fit + 1))) {
      assertThat(client.store().taskViews().counts()).isNotNull();
      assertThatThrownBy(() -> Node.start(client, none).close())
          .isInstanceOf(CannotStart.class)
          .hasMessage(
              "slots: %d need %d connections, and database %s allows %d (max_connections %d, of which 3 are reserved); set slots to %d or less, or raise max_connections to %d on a server of your own (--db)",
              fit + 1,
              2 * (fit + 1) + 7,
              client.database().address(),
              most - 3,
              most,
              fit,
              2 * (fit + 1) + 7 + 3);
    }
    try (Installation installation = Installation.open(slots(fit))) {
      Node.start(installation, none).close();
    }
  }

  private Settings slots(int slots) {
    DatabaseAddress a = database.address();
    return ConfigReader.read(
        Map.of(
            Key.DATA,
            temp.resolve("data").toString(),
            Key.DB,
            "jdbc:postgresql://%s:%d/%s".formatted(a.host(), a.port(), a.database()),
            Key.SLOTS,
            Integer.toString(slots)),
        Map.of("BATCHYARD_DB_USER", a.user(), "BATCHYARD_DB_PASSWORD", a.password()),
        temp);
  }

  @Test
  void time_is_scaled_within_bounds() {
    assertThat(Installation.lease("1")).isEqualTo(Duration.ofSeconds(10));
    assertThat(Installation.lease("0.05")).isEqualTo(Duration.ofMillis(500));
    assertThat(Installation.lease("100")).isEqualTo(Duration.ofSeconds(1_000));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "0", "-1", "0.049", "100.1", "NaN", "Infinity", "1e999", "1,5"})
  void a_scale_of_time_that_cannot_be_is_named(String scale) {
    assertThatThrownBy(() -> Installation.lease(scale))
        .isInstanceOf(CannotStart.class)
        .hasMessage(
            "-Dbatchyard.timescale: '%s' must be a number from 0.05 to 100.0; it is for tests, leave it out",
            scale);
  }

  private Settings at(Path data) {
    return ConfigReader.read(Map.of(Key.DATA, data.toString()), Map.of(), temp);
  }

  private Settings with(DatabaseAddress a) {
    return with(a, a.database(), a.user(), a.password());
  }

  private Settings with(DatabaseAddress a, String name, String user, String password) {
    return given("jdbc:postgresql://%s:%d/%s".formatted(a.host(), a.port(), name), user, password);
  }

  private Settings url(String url) {
    return given(url, "u", "p");
  }

  private Settings given(String url, String user, String password) {
    Map<Key, String> flags = new EnumMap<>(Key.class);
    flags.put(Key.DATA, temp.resolve("data").toString());
    flags.put(Key.DB, url);
    return ConfigReader.read(
        flags, Map.of("BATCHYARD_DB_USER", user, "BATCHYARD_DB_PASSWORD", password), temp);
  }

  private static String refusal(Settings settings) {
    try (Installation open = Installation.open(settings)) {
      throw new AssertionError("not refused: " + open.settings());
    } catch (CannotStart refused) {
      String message = String.valueOf(refused.getMessage());
      assertThat(message).doesNotContain("\n").hasSizeLessThan(500);
      return message;
    }
  }
}
