package dev.batchyard.store.server;

import static dev.batchyard.store.server.Servers.ask;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatabaseTest {

  @TempDir static Path temp;

  private static EmbeddedServer server;

  @BeforeAll
  static void start() throws Exception {
    server = EmbeddedServer.join(Servers.folder(temp.resolve("data")));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void every_connection_names_its_boot_and_cannot_outlast_a_lease_in_a_transaction()
      throws Exception {
    try (Database database = new Database(server.ensureRunning(), Servers.BOOT, 1);
        Connection queue = database.queue().getConnection();
        Connection handler = database.handlers().getConnection();
        Connection session = database.session()) {
      for (Connection connection : new Connection[] {queue, handler, session}) {
        assertThat(ask(connection, "show application_name")).isEqualTo("batchyard " + Servers.BOOT);
        assertThat(ask(connection, "show idle_in_transaction_session_timeout")).isEqualTo("9s");
        assertThat(ask(connection, "show synchronous_commit")).isEqualTo("on");
      }
      assertThat(ask(queue, "show search_path")).isEqualTo("batchyard");
      assertThat(ask(session, "show search_path")).isEqualTo("batchyard");
      assertThat(ask(handler, "show search_path")).isEqualTo("public");
      for (String plan : new String[] {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"}) {
        assertThat(ask(queue, "show " + plan)).as(plan).isEqualTo("off");
        assertThat(ask(handler, "show " + plan)).as(plan).isEqualTo("on");
      }
      assertThat(queue.getNetworkTimeout()).isEqualTo(30_000);
      assertThat(session.getNetworkTimeout()).isEqualTo(10_000);
      assertThat(handler.getNetworkTimeout()).isZero();
    }
  }

  @Test
  void a_stricter_isolation_by_default_is_not_ours() throws Exception {
    DatabaseAddress address = server.ensureRunning();
    for (String level : new String[] {"repeatable read", "serializable"}) {
      String name = level.replace(' ', '_');
      Servers.execute(address, "create database " + name);
      Servers.execute(
          address,
          "alter database %s set default_transaction_isolation = '%s'".formatted(name, level));
      DatabaseAddress strict = Servers.database(address, name);
      try (Connection plain =
          DriverManager.getConnection(
              "jdbc:postgresql://%s:%d/%s".formatted(strict.host(), strict.port(), name),
              strict.user(),
              strict.password())) {
        assertThat(ask(plain, "show transaction_isolation")).as("of others").isEqualTo(level);
      }
      try (Database database = new Database(strict, Servers.BOOT, 1);
          Connection queue = database.queue().getConnection();
          Connection handler = database.handlers().getConnection();
          Connection session = database.session();
          Connection patient = database.patientSession()) {
        for (Connection connection : new Connection[] {queue, handler, session, patient}) {
          assertThat(ask(connection, "show transaction_isolation")).isEqualTo("read committed");
        }
      }
    }
  }

  @Test
  void a_new_boot_replaces_the_connections_of_the_old_one() throws Exception {
    UUID next = new UUID(0, 2);
    try (Database database = new Database(server.ensureRunning(), Servers.BOOT, 1)) {
      try (Connection before = database.queue().getConnection()) {
        assertThat(ask(before, "show application_name")).endsWith(Servers.BOOT.toString());
      }
      database.boot(next);
      try (Connection after = database.queue().getConnection()) {
        assertThat(ask(after, "show application_name")).isEqualTo("batchyard " + next);
      }
    }
  }
}
