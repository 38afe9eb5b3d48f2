package dev.batchyard.web;

import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.RunningRows.RunningRow;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.store.Store;
import dev.batchyard.store.server.Database;
import dev.batchyard.testkit.TestDatabase;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.UUID;

/** A store over emptied tables, the pages on it, and what happens to tasks. */
final class WebFixture implements AutoCloseable {

  static final String TYPE = "test.work";
  static final Path LINKS = own("links");
  static final String HOST = "host<b>1</b>";

  static final String EMPTY =
      """
      truncate task, step, compensation, expiry, task_key, batch, outcome, block, lease, parked, request, running, node, cordon, checkpoint, checkpoint_log,
               reject, attempt_log, event, log_line, lane, tally, doctor_look
       restart identity;
      delete from pool;
      delete from cordon;
      delete from queue where name <> 'default';
      update queue set age_step = '60 s', paused_by = null, paused_at = null
      """;

  /** The parameters of a task. */
  record Work(int n, String text) {}

  /** Parameters with a number that may be of any size. */
  record Worth(BigDecimal amount) {}

  /** So long a submit too many waits here. */
  static final Duration PATIENCE = Duration.ofMillis(300);

  final FragileSubmissions submissions;
  final Database database;
  final Store store;
  final Submitter submitter;
  final FragileViews views;
  final WebServer server;
  private final Random random = new Random(5);

  /** {@return a file of this JVM: others have theirs beside it} */
  static Path own(String name) {
    return Path.of("target", name + "-" + ProcessHandle.current().pid()).toAbsolutePath();
  }

  WebFixture(TestDatabase test) throws SQLException {
    database = test.database(new UUID(2, 2));
    store =
        new Store(
            database.queue(),
            database::session,
            Optional::empty,
            new Random(3),
            Store.Settings.DEFAULT);
    sql(EMPTY);
    submissions = new FragileSubmissions(store.submissions());
    submitter =
        new Submitter(
            new TaskTypes(
                List.of(
                    new TaskType<>(
                        TYPE, "Works", "工作", Work.class, (_, _) -> Outcome.completed(), 500),
                    new TaskType<>(
                        "test.worth",
                        "Has a worth",
                        "计价",
                        Worth.class,
                        (_, _) -> Outcome.completed(),
                        500))),
            new TreeCodec(),
            submissions,
            store.batches());
    views = new FragileViews(store.taskViews());
    server =
        WebServer.start(new WebConfig(0, own("web"), LINKS), views(views), submitter, PATIENCE);
  }

  Views views(TaskViews tasks) {
    return new Views(
        tasks,
        store.nodeViews(),
        store.cordons(),
        store.queues(),
        store.batches(),
        store.compensations(),
        store.logLines(),
        store.doctor(),
        store.checkpoints(),
        store.retryPolicies(),
        store.pools(),
        store.waitReasons(),
        store.demands());
  }

  Browser signIn() {
    return Browser.signedIn(server);
  }

  void sql(String sql) throws SQLException {
    try (var connection = database.queue().getConnection();
        var statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  TaskDraft draft(String label, String params) {
    return draft(label, params, OptionalLong.empty());
  }

  private static TaskDraft draft(String label, String params, OptionalLong batch) {
    return new TaskDraft(
        TYPE, params, label, "default", 4, Optional.empty(), TaskKeys.NONE, batch, "default");
  }

  long submit(String label, String params) {
    return store.submissions().submit(List.of(draft(label, params))).getFirst().task();
  }

  void join(long batch, int count) {
    var _ =
        store
            .submissions()
            .submit(Collections.nCopies(count, draft("", "{}", OptionalLong.of(batch))));
  }

  UUID node(String name) {
    UUID boot = new UUID(random.nextLong(), random.nextLong());
    store
        .sessions()
        .open(new NodeRegistration(boot, name, HOST, 42, "0.1.0", List.of(TYPE), 8))
        .close();
    return boot;
  }

  /** Claims everything that is ready. */
  List<Claim> claim(UUID boot, int wanted) {
    UUID token = new UUID(random.nextLong(), random.nextLong());
    return store.claims().claim(boot, token, Map.of(TYPE, 500), wanted, true);
  }

  void progress(Claim claim, String node, double fraction) {
    store
        .runningRows()
        .record(
            node,
            List.of(
                new RunningRow(
                    claim,
                    Duration.ofSeconds(3),
                    (long) (120_000 * fraction),
                    fraction,
                    23_456.7,
                    OptionalLong.of(83_000))));
  }

  void finish(Claim claim, String node, Verdict verdict) {
    store.finishes().finish(List.of(new Finish(claim, verdict, node, Duration.ofMillis(3_200))));
  }

  void commitChunk(Claim claim, String rejects) throws SQLException {
    sql(
        "select commit_chunk(%d, '%s', 0, 1, '{\"row\": 120000}', 120000, 119997, 1, 2, '%s')"
            .formatted(claim.task(), claim.token(), rejects.replace("'", "''")));
  }

  @Override
  public void close() {
    server.close();
    database.close();
  }
}
