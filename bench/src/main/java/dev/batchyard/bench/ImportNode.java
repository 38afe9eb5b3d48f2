package dev.batchyard.bench;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskState;
import dev.batchyard.app.Installation;
import dev.batchyard.app.Node;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.tasks.data.CsvImport;
import dev.batchyard.tasks.data.ImportParams;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A node as users get it, in a JVM of its own: installation, engine, the task type with its
 * defaults. For each line {@code TABLE<tab>FILE} on standard input it submits a task as any client
 * does, waits until its end is durable and answers with a line.
 */
final class ImportNode implements AutoCloseable {

  /** How often a client asks whether the task has ended; half of it is in every time told. */
  private static final long LOOK_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(10);

  private static final String ENDED = "select 1 from batchyard.outcome where id = ?";

  static final String READY = "ready";
  static final String DONE = "done";

  private final Installation installation;
  private final Connection watcher;
  private final Node node;
  private final Submitter submitter;

  private ImportNode(Path data) throws SQLException, InterruptedException {
    this.installation =
        Installation.open(ConfigReader.read(Map.of(Key.DATA, data.toString()), Map.of(), data));
    CsvImport handler = new CsvImport(installation.database().handlers(), System::nanoTime);
    TaskTypes types = new TaskTypes(List.of(handler.type()));
    this.watcher = installation.database().session();
    this.node = Node.start(installation, types);
    this.submitter =
        new Submitter(
            types,
            new JacksonParameters(),
            installation.store().submissions(),
            installation.store().batches());
  }

  /**
   * Serves one data folder until standard input ends.
   *
   * @param arguments the folder
   */
  public static void main(String[] arguments) throws Exception {
    try (ImportNode node = new ImportNode(Path.of(arguments[0]));
        BufferedReader asked =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      System.out.println(READY);
      for (String line = asked.readLine(); line != null; line = asked.readLine()) {
        String[] parts = line.split("\t", 2);
        System.out.println(node.run(parts[0], parts[1]));
      }
    }
  }

  /** {@return {@code done}, seconds from submit to durable end, and from start to that end} */
  private String run(String table, String file) throws SQLException {
    long from_ns = System.nanoTime();
    long task = submitter.submit(NewTask.of(CsvImport.TYPE, ImportParams.of(file, table))).task();
    awaitEnd(task);
    double all_s = (System.nanoTime() - from_ns) / 1e9;
    TaskRow row = installation.store().taskViews().find(task).orElseThrow().row();
    if (row.state() != TaskState.COMPLETED) {
      return "task %d is %s: %s".formatted(task, row.state(), row.problem());
    }
    Instant started = row.started().orElseThrow();
    double waited_s = Duration.between(row.submitted(), started).toNanos() / 1e9;
    return DONE + " " + all_s + " " + (all_s - waited_s);
  }

  /** Asks as cheaply as can be, so that asking does not slow down what is measured. */
  private void awaitEnd(long task) throws SQLException {
    try (PreparedStatement statement = watcher.prepareStatement(ENDED)) {
      statement.setLong(1, task);
      while (true) {
        try (ResultSet row = statement.executeQuery()) {
          if (row.next()) {
            return;
          }
        }
        LockSupport.parkNanos(LOOK_AGAIN_NS);
      }
    }
  }

  @Override
  public void close() throws InterruptedException, SQLException {
    watcher.close();
    node.close();
    installation.close();
  }
}
