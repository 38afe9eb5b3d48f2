package dev.batchyard.store.server;

import static dev.batchyard.store.server.Servers.ask;
import static dev.batchyard.store.server.Servers.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedServerTest {

  @TempDir Path temp;

  @Test
  void a_committed_row_survives_kill_9_of_the_server_and_any_member_starts_it_again()
      throws Exception {
    DataFolder folder = Servers.folderWithDatabase(temp.resolve("数据 'a\\b"));
    try (EmbeddedServer first = EmbeddedServer.join(folder);
        EmbeddedServer second = EmbeddedServer.join(folder)) {
      execute(first.ensureRunning(), "create table public.kept as select 1 as n");
      long pid = first.pid().orElseThrow();
      int port = first.ensureRunning().port();
      assertThat(sessionOf(pid)).as("a session of its own, for Ctrl-C").isEqualTo(pid);

      kill(pid);

      assertThat(first.ensureRunning().port()).as("the port stays").isEqualTo(port);
      assertThat(second.ensureRunning().port()).isEqualTo(port);
      assertThat(second.pid()).isPresent().get().isNotEqualTo(pid);
      assertThat(ask(second.ensureRunning(), "select n from public.kept")).isEqualTo("1");
      for (String setting : List.of("fsync", "full_page_writes", "synchronous_commit")) {
        assertThat(ask(second.ensureRunning(), "show " + setting)).as(setting).isEqualTo("on");
      }
    }
  }

  @Test
  void the_last_member_out_stops_the_server_and_the_next_one_in_finds_the_data() throws Exception {
    DataFolder folder = Servers.folderWithDatabase(temp.resolve("data"));
    EmbeddedServer first = EmbeddedServer.join(folder);
    EmbeddedServer second = EmbeddedServer.join(folder);
    long pid = first.pid().orElseThrow();
    execute(first.ensureRunning(), "create table public.kept as select '中文' as n");
    first.close();
    first.close();
    assertThat(second.pid()).as("still needed").hasValue(pid);
    try (DataFolder.NodeNumber elsewhere = folder.takeNodeNumber()) {
      second.close();
      assertThat(second.pid())
          .as("a node with a database of its own needs no server: number " + elsewhere.number())
          .isEmpty();
    }
    assertThatThrownBy(second::ensureRunning)
        .as("who has left starts nothing")
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining("has left " + folder.root());
    assertThat(ProcessHandle.of(pid).map(ProcessHandle::isAlive)).isNotEqualTo(true);
    try (EmbeddedServer again = EmbeddedServer.join(folder)) {
      assertThat(ask(again.ensureRunning(), "select n from public.kept")).isEqualTo("中文");
    }
  }

  @Test
  void the_server_outlives_a_killed_member_and_ends_with_the_last_one() throws Exception {
    Path folder = Servers.folderWithDatabase(temp.resolve("data")).root();
    Postmaster postmaster = new Postmaster(folder.resolve("pg/data"));
    try (MemberProcess first = MemberProcess.client(folder)) {
      first.awaitJoined();
      try (MemberProcess second = MemberProcess.client(folder)) {
        second.awaitJoined();
        long pid = ready(postmaster).pid();
        first.kill();
        assertThat(ready(postmaster).pid()).isEqualTo(pid);
        try (MemberProcess third = MemberProcess.client(folder)) {
          third.awaitJoined();
          third.leave();
          assertThat(ready(postmaster).pid()).isEqualTo(pid);
        }
        second.leave();
        assertThat(postmaster.state()).isInstanceOf(Postmaster.State.Gone.class);
      }
    }
  }

  @Test
  void a_server_whose_members_were_all_killed_is_found_by_the_next_or_stopped_as_abandoned()
      throws Exception {
    DataFolder folder = Servers.folderWithDatabase(temp.resolve("data"));
    Postmaster postmaster = new Postmaster(folder.pg().resolve("data"));
    try (MemberProcess member = MemberProcess.client(folder.root())) {
      member.awaitJoined();
      assertThat(EmbeddedServer.stopAbandoned(folder)).as("it is used").isFalse();
      long pid = ready(postmaster).pid();
      member.kill();
      try (EmbeddedServer next = EmbeddedServer.join(folder)) {
        assertThat(next.pid()).hasValue(pid);
      }
    }
    try (MemberProcess member = MemberProcess.client(folder.root())) {
      member.awaitJoined();
      member.kill();
      assertThat(ready(postmaster).pid()).isPositive();
      assertThat(EmbeddedServer.stopAbandoned(folder)).isTrue();
      assertThat(postmaster.state()).isInstanceOf(Postmaster.State.Gone.class);
    }
  }

  @Test
  void what_crashes_left_behind_does_not_keep_it_from_starting() throws Exception {
    DataFolder folder = DataFolder.open(temp.resolve("data"));
    Path half = Files.createDirectory(folder.pg().resolve("server-" + Binaries.VERSION + ".new"));
    Files.writeString(half.resolve("bin"), "half a program");
    Path old = Files.createDirectories(folder.pg().resolve("server-17.0.0/bin"));
    Files.writeString(
        Files.createDirectory(folder.pg().resolve("data.new0")).resolve("PG_VERSION"), "");
    for (int n = 0; n < 20; n++) {
      Files.writeString(folder.log().resolve("postgresql-20200101-0000%02d.log".formatted(n)), "x");
    }
    EmbeddedServer.join(folder).close();
    assertThat(half).doesNotExist();
    assertThat(old).doesNotExist();
    assertThat(folder.pg().resolve("data.new0")).doesNotExist();
    assertThat(folder.tmp()).isEmptyDirectory();
    assertThat(folder.log().resolve("postgresql-20200101-000005.log")).doesNotExist();
    assertThat(folder.log().resolve("postgresql-20200101-000019.log")).exists();

    Path pidFile = folder.pg().resolve("data/postmaster.pid");
    for (String left :
        List.of("", "x\n", ProcessHandle.current().pid() + "\n/\n0\n1\n\n\n\nready\n")) {
      Files.writeString(pidFile, left);
      try (EmbeddedServer server = EmbeddedServer.join(folder)) {
        assertThat(server.pid()).as("with '%s'", left).isPresent();
      }
    }
  }

  @Test
  void processes_of_a_killed_server_that_are_busy_do_not_hold_up_the_next() throws Exception {
    DataFolder folder = Servers.folderWithDatabase(temp.resolve("data"));
    try (EmbeddedServer server = EmbeddedServer.join(folder);
        Database database = new Database(server.ensureRunning(), Servers.BOOT, 1);
        Connection busy = database.session();
        Statement statement = busy.createStatement()) {
      long backend = Long.parseLong(ask(busy, "select pg_backend_pid()"));
      Thread thread =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  statement.execute("do $$ begin loop end loop; end $$");
                } catch (java.sql.SQLException expected) {
                  assertThat(expected.getSQLState()).isNotNull();
                }
              });
      await()
          .until(() ->
              ask(
                      server.ensureRunning(),
                      "select state from pg_stat_activity where pid = " + backend)
                  .equals("active"));
      kill(server.pid().orElseThrow());
      assertThat(ProcessHandle.of(backend)).as("nothing told it").isPresent();
      assertThat(ask(server.ensureRunning(), "select 1")).isEqualTo("1");
      await().until(() -> ProcessHandle.of(backend).isEmpty());
      thread.join();
    }
  }

  /** The role is named as our schema, which is PostgreSQL's first choice unless told otherwise. */
  @Test
  void a_table_that_a_person_makes_is_in_the_schema_public() throws Exception {
    DataFolder folder = Servers.folderWithDatabase(temp.resolve("data"));
    try (EmbeddedServer server = EmbeddedServer.join(folder)) {
      DatabaseAddress at = server.ensureRunning();
      String url = "jdbc:postgresql://%s:%d/%s".formatted(at.host(), at.port(), at.database());
      try (Connection person = DriverManager.getConnection(url, at.user(), at.password())) {
        assertThat(ask(person, "show search_path")).isEqualTo("public");
      }
    }
  }

  @Test
  void a_port_that_somebody_took_is_replaced_and_all_members_learn_the_new_one() throws Exception {
    DataFolder folder = Servers.folderWithDatabase(temp.resolve("data"));
    try (EmbeddedServer first = EmbeddedServer.join(folder);
        EmbeddedServer second = EmbeddedServer.join(folder)) {
      int port = first.ensureRunning().port();
      try (Database database = new Database(first.ensureRunning(), Servers.BOOT, 1)) {
        kill(first.pid().orElseThrow());
        try (ServerSocket taken = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
          assertThat(first.ensureRunning().port()).isNotEqualTo(taken.getLocalPort());
        }
        database.port(second.ensureRunning().port());
        try (Connection connection = database.queue().getConnection()) {
          assertThat(ask(connection, "select 1")).isEqualTo("1");
        }
      }
      assertThat(Files.readString(folder.run().resolve("port")))
          .isEqualTo(Integer.toString(second.ensureRunning().port()));
    }
  }

  @Test
  void root_runs_the_server_as_the_owner_of_the_database() throws Exception {
    DataFolder folder = Servers.folder(temp.resolve("data"));
    EmbeddedServer.join(folder).close();
    Path data = folder.pg().resolve("data");
    if (RootWay.isRoot()) {
      RootWay.give(data, RootWay.NOBODY);
    }
    try (EmbeddedServer server = EmbeddedServer.join(folder)) {
      Path process = Path.of("/proc", server.pid().orElseThrow().toString());
      assertThat(Files.getAttribute(process, "unix:uid"))
          .isEqualTo(Files.getAttribute(data, "unix:uid"));
      assertThat(ask(server.ensureRunning(), "select 1")).isEqualTo("1");
    }
  }

  @Test
  void the_password_is_for_the_owner_alone() throws Exception {
    DataFolder folder = Servers.folder(temp.resolve("data"));
    Path file = folder.run().resolve("password");
    try (EmbeddedServer server = EmbeddedServer.join(folder)) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .isEqualTo("rw-------");
      String password = Files.readString(file).strip();
      assertThat(password).hasSize(64);
      assertThat(server.ensureRunning().toString()).doesNotContain(password);
    }
    Files.delete(file);
    assertThatThrownBy(() -> EmbeddedServer.join(folder))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining(file + " is missing");
    assertThat(new Postmaster(folder.pg().resolve("data")).state())
        .as("a failed join leaves no server")
        .isInstanceOf(Postmaster.State.Gone.class);
  }

  @Test
  void an_interrupted_thread_finds_starts_and_stops_the_server_and_stays_interrupted()
      throws Exception {
    DataFolder folder = Servers.folder(temp.resolve("data"));
    Thread.currentThread().interrupt();
    EmbeddedServer server = EmbeddedServer.join(folder);
    assertThat(Thread.interrupted()).isTrue();
    long pid = server.pid().orElseThrow();
    Thread.currentThread().interrupt();
    assertThat(server.ensureRunning()).isNotNull();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(server.pid()).as("it was not taken for dead").hasValue(pid);
    kill(pid);
    Thread.currentThread().interrupt();
    assertThat(server.ensureRunning()).isNotNull();
    server.close();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(server.pid()).isEmpty();
  }

  @Test
  void data_of_another_major_version_is_refused() throws Exception {
    DataFolder folder = Servers.folderWithDatabase(temp.resolve("data"));
    EmbeddedServer.join(folder).close();
    Files.writeString(folder.pg().resolve("data").resolve("PG_VERSION"), "99\n");
    assertThatThrownBy(() -> EmbeddedServer.join(folder))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining("was made by PostgreSQL 99, this program brings 18");
    assertThat(folder.locked(folder::hasMembers)).as("a failed join leaves no member").isFalse();
  }

  @Test
  void files_that_are_no_database_are_neither_used_nor_deleted() throws Exception {
    DataFolder folder = Servers.folder(temp.resolve("data"));
    Path data = Files.createDirectory(folder.pg().resolve("data"));
    Path rest = Files.writeString(data.resolve("rest"), "of a database");
    assertThatThrownBy(() -> EmbeddedServer.join(folder))
        .isInstanceOf(CannotStart.class)
        .hasMessage(
            "data folder: %s has files but no PG_VERSION, so it is no whole database; put it back from a backup, or move it away",
            data);
    assertThat(rest).hasContent("of a database");
    Files.delete(rest);
    EmbeddedServer.join(folder).close();
  }

  @Test
  void a_server_that_cannot_start_says_its_own_reason() throws Exception {
    DataFolder folder = Servers.folderWithDatabase(temp.resolve("data"));
    EmbeddedServer.join(folder).close();
    Files.delete(folder.pg().resolve("data/global/pg_control"));
    assertThatThrownBy(() -> EmbeddedServer.join(folder))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining("pg_control")
        .hasMessageContaining(folder.log().toString())
        .hasMessageNotContaining("\n");
  }

  private static Postmaster.State.Ready ready(Postmaster postmaster) {
    assertThat(postmaster.state()).isInstanceOf(Postmaster.State.Ready.class);
    return (Postmaster.State.Ready) postmaster.state();
  }

  private static void kill(long pid) {
    ProcessHandle server = ProcessHandle.of(pid).orElseThrow();
    server.destroyForcibly();
    await().pollInterval(Duration.ofMillis(5)).until(() -> !server.isAlive());
  }

  private static long sessionOf(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[3]);
  }
}
