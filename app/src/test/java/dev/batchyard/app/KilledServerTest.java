package dev.batchyard.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskState;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.config.Settings;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.Event;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.server.SharedPrograms;
import dev.batchyard.tasks.data.CsvImport;
import dev.batchyard.tasks.data.ImportParams;
import java.io.BufferedWriter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** PostgreSQL is killed under an installation, which brings it back without being asked. */
class KilledServerTest {

  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int ROWS = 600_000;

  /** More than any policy retries. */
  private static final int KILLS = 7;

  @TempDir Path temp;

  private Installation installation;

  @BeforeEach
  void open() {
    var _ = SharedPrograms.in(temp.resolve("data"));
    Settings settings =
        ConfigReader.read(Map.of(Key.DATA, temp.resolve("data").toString()), Map.of(), temp);
    installation = Installation.open(settings);
  }

  @AfterEach
  void close() {
    installation.close();
  }

  @Test
  void it_comes_back_though_no_node_opens_a_session_and_a_new_port_is_learnt() throws Exception {
    int port = Integer.parseInt(postmaster().get(3).strip());
    Optional<ServerSocket> taken = Optional.empty();
    for (int kills = 0; kills < 10 && taken.isEmpty(); kills++) {
      killPostmaster();
      taken = take(port); // unless the server was faster
    }
    try (ServerSocket held = taken.orElseThrow()) {
      await().atMost(SOON).ignoreExceptions().until(() -> ask("select 1").equals("1"));
      assertThat(Integer.parseInt(postmaster().get(3).strip())).isNotEqualTo(held.getLocalPort());
    }
  }

  @Test
  void an_idle_node_is_back_by_itself_and_an_import_goes_on() throws Exception {
    CsvImport imports = new CsvImport(installation.database().handlers(), System::nanoTime);
    TaskTypes types = new TaskTypes(List.of(imports.type()));
    try (Node node = Node.start(installation, types)) {
      awaitSession(node);
      long idle = killPostmaster();
      awaitSession(node);
      assertThat(postmaster().getFirst().strip()).isNotEqualTo(Long.toString(idle));

      Submitter submitter =
          new Submitter(
              types,
              new JacksonParameters(),
              installation.store().submissions(),
              installation.store().batches());
      long task = submitter.submit(NewTask.of(CsvImport.TYPE, imported())).task();
      node.engine().wake();
      long under = 0;
      for (int kill = 0; kill < KILLS; kill++) {
        long last = under;
        await()
            .atMost(SOON)
            .pollInterval(Duration.ofMillis(5))
            .ignoreExceptions()
            .until(() -> checkpoint("lease", task) > last);
        under = checkpoint("lease", task);
        assertThat(checkpoint("read", task)).as("in the middle of the import").isLessThan(ROWS);
        killPostmaster();
      }
      await()
          .atMost(SOON)
          .ignoreExceptions()
          .until(() ->
              installation.store().taskViews().find(task).orElseThrow().row().state()
                  == TaskState.COMPLETED);
      TaskDetail done = installation.store().taskViews().find(task).orElseThrow();
      assertThat(done.row().counters().failures())
          .as("a database that is away is no failure of the import")
          .isZero();
      assertThat(done.attempts())
          .extracting(Attempt::ended)
          .filteredOn("released"::equals)
          .hasSizeGreaterThanOrEqualTo(KILLS)
          .hasSize(done.attempts().size() - 1);
      assertThat(done.events())
          .extracting(Event::why)
          .anyMatch(why -> why.startsWith("ready: the database was away: "));
      assertThat(ask("select count(*) || ' ' || count(distinct id) || ' ' || sum(id) from killed"))
          .isEqualTo(ROWS + " " + ROWS + " " + (long) ROWS * (ROWS + 1) / 2);
      assertThat(
              ask(
                  "select read || ' ' || written || ' ' || rejected"
                      + " from batchyard.checkpoint where task = "
                      + task))
          .isEqualTo(ROWS + " " + ROWS + " 0");
    }
  }

  private ImportParams imported() throws IOException {
    Path file = temp.resolve("killed.csv");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("id,name\n");
      for (int id = 1; id <= ROWS; id++) {
        out.write(id + ",王小明 " + id + "\n");
      }
    }
    return new ImportParams(
        file.toString(),
        "killed",
        Optional.of(true),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  private void awaitSession(Node node) {
    await()
        .atMost(SOON)
        .ignoreExceptions()
        .until(() ->
            ask("select count(*) from batchyard.node n"
                    + " where batchyard.node_lock_held(n.lock_key) and n.boot = '"
                    + node.engine().boot()
                    + "'")
                .equals("1"));
  }

  private long checkpoint(String column, long task) throws SQLException {
    return Long.parseLong(
        ask(
            "select coalesce(max(%s), 0) from batchyard.checkpoint where task = %d"
                .formatted(column, task)));
  }

  private String ask(String sql) throws SQLException {
    try (Connection connection = installation.database().handlers().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return String.valueOf(row.getString(1));
    }
  }

  private List<String> postmaster() throws IOException {
    return Files.readAllLines(installation.folder().root().resolve("pg/data/postmaster.pid"));
  }

  /** SIGKILL, by the number in its own file. */
  private long killPostmaster() throws IOException {
    long pid = Long.parseLong(postmaster().getFirst().strip());
    assertThat(ProcessHandle.of(pid).orElseThrow().destroyForcibly()).isTrue();
    Path folder = Path.of("/proc", Long.toString(pid), "cwd"); // gone before anybody reaps it
    await()
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(1))
        .until(() -> !Files.exists(folder));
    return pid;
  }

  private static Optional<ServerSocket> take(int port) throws IOException {
    ServerSocket socket = new ServerSocket();
    try {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return Optional.of(socket);
    } catch (IOException e) {
      socket.close();
      return Optional.empty();
    }
  }
}
