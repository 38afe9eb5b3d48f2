package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskState;
import dev.batchyard.app.Installation;
import dev.batchyard.app.Types;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.server.SharedPrograms;
import dev.batchyard.tasks.data.CsvImport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A data folder with nodes of its own, each a process; this one only submits and looks, and keeps
 * PostgreSQL up while no node lives.
 */
final class Yard implements AutoCloseable {

  /** Far beyond what anything here takes; a node that hangs is an error that says so. */
  private static final long WAIT_MAX_NS = 60_000_000_000L;

  /** A look is a query or several: more of them would take the processor from who is waited for. */
  private static final long LOOK_EVERY_NS = 5_000_000;

  private final Path folder;
  private final double timescale;
  private final Installation installation;
  private final List<NodeProcess> nodes = new ArrayList<>();
  private volatile int port;

  /**
   * Opens it.
   *
   * @param timescale of the nodes' leases; a busy machine may hold up a node for a second, so only
   *     who waits for a lease to lapse makes it short
   */
  Yard(Path folder, double timescale) {
    this.folder = folder;
    this.timescale = timescale;
    var _ = SharedPrograms.in(folder.resolve("data"));
    this.installation =
        Installation.open(
            ConfigReader.read(
                Map.of(Key.DATA, folder.resolve("data").toString()), Map.of(), folder));
  }

  NodeProcess start(String node) throws IOException {
    NodeProcess process =
        NodeProcess.start(folder.resolve("data"), node, timescale, folder.resolve(node + ".log"));
    nodes.add(process);
    return process;
  }

  /** A server whose handlers do mischief. */
  NodeProcess startMischief(String node) throws IOException {
    NodeProcess process =
        NodeProcess.mischief(
            folder.resolve("data"), node, timescale, folder.resolve(node + ".log"));
    nodes.add(process);
    return process;
  }

  NodeProcess startDemo() throws IOException {
    NodeProcess process =
        NodeProcess.demo(folder.resolve("data"), timescale, folder.resolve("demo.log"));
    nodes.add(process);
    return process;
  }

  /** {@return how a node of a proof is started that is a member of the data folder} */
  NodeProcess.How proof(String node) {
    return new NodeProcess.How(
        folder.resolve("data"),
        node,
        timescale,
        folder.resolve(node + ".log"),
        OptionalInt.empty(),
        List.of());
  }

  NodeProcess start(NodeProcess.How how) throws IOException {
    NodeProcess process = NodeProcess.proof(how);
    nodes.add(process);
    return process;
  }

  Path folder() {
    return folder;
  }

  /** {@return where the server listens now; while it starts, where it did last} */
  int serverPort() {
    try {
      port = Integer.parseInt(postmaster().get(3).strip());
    } catch (IOException | IndexOutOfBoundsException | NumberFormatException e) {
      return port;
    }
    return port;
  }

  /** {@return the process id of the server} */
  long serverPid() throws IOException {
    return Long.parseLong(postmaster().getFirst().strip());
  }

  private List<String> postmaster() throws IOException {
    return Files.readAllLines(folder.resolve("data/pg/data/postmaster.pid"));
  }

  /** {@return one number; empty while PostgreSQL is away} */
  Optional<Long> ask(String sql) {
    return numbers(sql).stream().findFirst();
  }

  List<Long> numbers(String sql) {
    List<Long> found = new ArrayList<>();
    try (Connection db = connect();
        Statement statement = db.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        found.add(row.getLong(1));
      }
      return found;
    } catch (SQLException e) {
      return List.of();
    }
  }

  /** Submits an import that makes its table. */
  long submitImport(Path file, String table) {
    TaskTypes types = Types.of(installation);
    Submitter submitter =
        new Submitter(
            types,
            new JacksonParameters(),
            installation.store().submissions(),
            installation.store().batches());
    NewTask task =
        submitter.read(
            CsvImport.TYPE,
            new JacksonParameters()
                .write(Map.of("file", file.toString(), "table", table, "create", true)));
    return submitter.submit(task).task();
  }

  Connection connect() throws SQLException {
    return installation.database().handlers().getConnection();
  }

  TaskDetail detail(long task) {
    return installation.store().taskViews().find(task).orElseThrow();
  }

  TaskState state(long task) {
    return detail(task).row().state();
  }

  Installation installation() {
    return installation;
  }

  /** Waits, looking often: what is waited for may last some tens of milliseconds only. */
  void await(String what, BooleanSupplier condition) throws IOException {
    long from = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - from > WAIT_MAX_NS) {
        throw new AssertionError("waited in vain for: " + what + logs());
      }
      LockSupport.parkNanos(LOOK_EVERY_NS);
    }
  }

  /** Waits until so many items are committed; {@return how many then are}. */
  long awaitRead(Connection db, long task, long items) throws Exception {
    long from = System.nanoTime();
    try (Statement statement = db.createStatement()) {
      while (true) {
        long read =
            ImportProof.number(
                statement,
                "select coalesce(max(read), 0) from batchyard.checkpoint where task = " + task);
        if (read >= items) {
          return read;
        }
        assertThat(System.nanoTime() - from)
            .as("%d of %d items after %s%s", read, items, state(task), logs())
            .isLessThan(WAIT_MAX_NS);
        LockSupport.parkNanos(LOOK_EVERY_NS);
      }
    }
  }

  private String logs() throws IOException {
    StringBuilder text = new StringBuilder();
    for (Path log : nodes.stream().map(NodeProcess::log).distinct().toList()) {
      text.append("\n--- ").append(log).append('\n');
      List<String> lines = Files.readAllLines(log);
      text.append(String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size())));
    }
    return text.toString();
  }

  @Override
  public void close() throws Exception {
    for (NodeProcess node : nodes) {
      node.close();
    }
    installation.close();
  }
}
