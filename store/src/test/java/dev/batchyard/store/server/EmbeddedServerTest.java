package dev.batchyard.store.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedServerTest {

  @TempDir Path temp;

  @Test
  void a_committed_row_survives_kill_9_of_the_server_and_any_member_starts_it_again()
      throws Exception {
    DataFolder folder = DataFolder.open(temp.resolve("数据"));
    try (EmbeddedServer first = EmbeddedServer.join(folder);
        EmbeddedServer second = EmbeddedServer.join(folder)) {
      assertThat(second.slot()).isEqualTo(first.slot() + 1);
      execute(first, "create table public.kept as select 1 as n");
      long pid = first.pid().orElseThrow();

      ProcessHandle server = ProcessHandle.of(pid).orElseThrow();
      server.destroyForcibly();
      server.onExit().join();

      int port = first.ensureRunning().port();
      assertThat(port).as("the port stays").isEqualTo(second.ensureRunning().port());
      assertThat(second.pid()).isPresent().get().isNotEqualTo(pid);
      assertThat(ask(second, "select n from public.kept")).isEqualTo("1");
      for (String setting : new String[] {"fsync", "full_page_writes", "synchronous_commit"}) {
        assertThat(ask(second, "show " + setting)).as(setting).isEqualTo("on");
      }
    }
  }

  @Test
  void the_last_member_out_stops_the_server_and_the_next_one_in_finds_the_data() throws Exception {
    DataFolder folder = DataFolder.open(temp.resolve("data"));
    EmbeddedServer first = EmbeddedServer.join(folder);
    EmbeddedServer second = EmbeddedServer.join(folder);
    long pid = first.pid().orElseThrow();
    execute(first, "create table public.kept as select '中文' as n");
    first.close();
    assertThat(second.pid()).as("still needed").hasValue(pid);
    second.close();
    assertThat(ProcessHandle.of(pid).map(ProcessHandle::isAlive)).isNotEqualTo(true);
    assertThat(second.pid()).isEmpty();
    try (EmbeddedServer again = EmbeddedServer.join(folder)) {
      assertThat(again.slot()).isEqualTo(1);
      assertThat(ask(again, "select n from public.kept")).isEqualTo("中文");
    }
  }

  @Test
  void the_password_is_for_the_owner_alone() throws Exception {
    DataFolder folder = DataFolder.open(temp.resolve("data"));
    try (EmbeddedServer server = EmbeddedServer.join(folder)) {
      assertThat(server.pid()).isPresent();
      assertThat(
              PosixFilePermissions.toString(
                  Files.getPosixFilePermissions(folder.run().resolve("password"))))
          .isEqualTo("rw-------");
      assertThat(server.ensureRunning().toString())
          .doesNotContain(Files.readString(folder.run().resolve("password")).strip());
    }
  }

  @Test
  void a_file_in_the_place_of_the_folder_is_named() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "x");
    assertThatThrownBy(() -> DataFolder.open(file))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("--data");
  }

  @Test
  void data_of_another_major_version_is_refused() throws Exception {
    DataFolder folder = DataFolder.open(temp.resolve("data"));
    EmbeddedServer.join(folder).close();
    Files.writeString(folder.pg().resolve("data").resolve("PG_VERSION"), "99\n");
    assertThatThrownBy(() -> EmbeddedServer.join(folder))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining("99");
    assertThat(folder.hasMembers()).as("a failed join leaves no member").isFalse();
  }

  private static void execute(EmbeddedServer server, String sql) throws SQLException {
    try (Database database = new Database(server.ensureRunning(), new UUID(0, 1), 1);
        Connection connection = database.session();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String ask(EmbeddedServer server, String sql) throws SQLException {
    try (Database database = new Database(server.ensureRunning(), new UUID(0, 1), 1);
        Connection connection = database.session();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }
}
