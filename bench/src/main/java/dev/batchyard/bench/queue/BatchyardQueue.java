package dev.batchyard.bench.queue;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskType;
import dev.batchyard.app.Installation;
import dev.batchyard.app.Node;
import dev.batchyard.app.Version;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Queues;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.Store;
import dev.batchyard.store.server.DatabaseAddress;
import dev.batchyard.web.Views;
import dev.batchyard.web.WebConfig;
import dev.batchyard.web.WebServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Batchyard as users get it: an installation over a database, a node with the default settings, the
 * default queue and priority, history and fencing on.
 */
public final class BatchyardQueue implements QueueSystem {

  static final String TYPE = "bench.nothing";

  private static final String HISTORY_IDS =
      "select setval('batchyard.task_id', id + ?::bigint) from batchyard.task";

  private static final String HISTORY_TASKS =
      """
      insert into batchyard.task (id, lane, label, params, retry, submitted_at)
      select g, lane, '', '{"n": 0}', 'default', now() - interval '1 hour'
        from batchyard.task, generate_series(id + 1, id + ?::bigint) g
      """;

  private static final String HISTORY_OUTCOMES =
      """
      insert into batchyard.outcome
        (id, type, state, lane, attempt, failures, crashes, generation, lease, node, started_at,
         finished_at, result)
      select g, 'bench.nothing', 'completed', lane, 1, 0, 0, 1, g / 500, 'bench', now(), now(), '{}'
        from (select id, lane, ?::bigint as n from batchyard.task order by id limit 1) first,
             generate_series(id + 1, id + n) g
      """;

  private static final String HISTORY_TALLY =
      """
      insert into batchyard.tally (day, lane, state, n)
      select current_date, lane, 'completed', ? from batchyard.task order by id limit 1
      """;

  /** What {@code ./batchyard} gives. */
  private static final List<String> LAUNCHER_OPTIONS =
      List.of(
          "-Xmx256m",
          "-XX:+UseSerialGC",
          "-XX:+ExitOnOutOfMemoryError",
          "-Xshare:auto",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow");

  private final DatabaseAddress database;
  private final Path data;
  private @Nullable Opened opened;

  public BatchyardQueue(DatabaseAddress database) throws IOException {
    this.database = database;
    this.data = Files.createTempDirectory("batchyard-bench-data");
  }

  /** The parameters of a task: what it tells when it starts. */
  record Told(long n) {}

  private record Opened(Installation installation, Submitter submitter) {}

  /** {@return the options of {@code ./batchyard}; {@code BATCHYARD_JAVA_OPTS} comes behind} */
  public static List<String> launcherOptions() {
    List<String> options = new ArrayList<>(LAUNCHER_OPTIONS);
    String more = System.getenv().getOrDefault("BATCHYARD_JAVA_OPTS", "");
    if (!more.isBlank()) {
      options.addAll(List.of(more.strip().split("\\s+")));
    }
    return options;
  }

  @Override
  public String name() {
    return "batchyard";
  }

  @Override
  public String settings() {
    return "Batchyard %s, default settings: %s slots; a type with lease max %d; default queue, retry policy and priority"
        .formatted(Version.text(), Key.SLOTS.usual(), TaskType.LEASE_MAX);
  }

  @Override
  public void create() throws SQLException {
    shut();
    Sources.execute(database, "drop schema if exists batchyard cascade");
    var _ = open();
  }

  private synchronized Opened open() {
    Opened present = opened;
    if (present != null) {
      return present;
    }
    String url =
        "jdbc:postgresql://%s:%d/%s"
            .formatted(database.host(), database.port(), database.database());
    Installation installation =
        Installation.open(
            ConfigReader.read(
                Map.of(
                    Key.DATA, data.toString(),
                    Key.NAME, data.getFileName().toString(), // one database has several folders
                    Key.DB, url,
                    Key.DB_USER, database.user(),
                    Key.DB_PASSWORD, database.password()),
                Map.of(),
                data));
    Submitter submitter =
        new Submitter(
            types(n -> {}),
            new JacksonParameters(),
            installation.store().submissions(),
            installation.store().batches());
    Opened made = new Opened(installation, submitter);
    opened = made;
    return made;
  }

  private static TaskTypes types(LongConsumer started) {
    return new TaskTypes(
        List.of(
            new TaskType<>(
                TYPE,
                "Does nothing",
                "什么也不做",
                Told.class,
                (told, context) -> {
                  started.accept(told.n());
                  return Outcome.completed();
                },
                TaskType.LEASE_MAX)));
  }

  @Override
  public void submit(int count) {
    var _ = open().submitter().submit(Collections.nCopies(count, task(0)));
  }

  @Override
  public void submitOne(long n) {
    var _ = open().submitter().submit(task(n));
  }

  /** Submits tasks that cannot start: they use a pool that has no room. */
  public void submitBehindPool(int count) {
    Pools.Pool full = Pools.Pool.slots("full", 0);
    if (open().installation().store().pools().create(full, "bench") != Pools.Change.DONE) {
      throw new IllegalStateException("there is a pool of this name already");
    }
    submitAll(task(0).withPool("full"), count);
  }

  /** Submits tasks that cannot start: no node has what they require. */
  public void submitForNobody(int count) {
    submitAll(task(0).withRequirement(Requirement.parse("nowhere")), count);
  }

  private void submitAll(NewTask task, int count) {
    for (int left = count; left > 0; left -= SUBMIT_MAX) {
      var _ = open().submitter().submit(Collections.nCopies(Math.min(left, SUBMIT_MAX), task));
    }
  }

  private static NewTask task(long n) {
    return NewTask.of(TYPE, new Told(n));
  }

  @Override
  public AutoCloseable work(LongConsumer started) throws InterruptedException {
    return Node.start(open().installation(), types(started));
  }

  /** {@return the queues of its store, to be paused and resumed} */
  public Queues queues() {
    return open().installation().store().queues();
  }

  /** {@return pages and API over its database on any free port; whoever asks closes them} */
  WebServer serve() {
    Opened now = open();
    Store store = now.installation().store();
    return WebServer.start(
        new WebConfig(0, data.resolve("web"), run()),
        new Views(
            store.taskViews(),
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
            store.demands()),
        now.submitter());
  }

  /** {@return where such a server keeps its secrets} */
  Path run() {
    return data.resolve("run");
  }

  @Override
  public long ended() throws SQLException {
    return Sources.number(database, "select count(*) from batchyard.outcome");
  }

  /**
   * Makes a history of so many tasks by SQL, none of which waits.
   *
   * @param tasks with what {@link #create()} made before, a partition full
   */
  public void fillHistory(long tasks) throws SQLException {
    submit(1); // makes the lane
    Sources.execute(database, HISTORY_IDS, tasks);
    open().installation().store().upkeep().runOnce(); // partitions for these ids
    for (String sql : List.of(HISTORY_TASKS, HISTORY_OUTCOMES, HISTORY_TALLY)) {
      Sources.execute(database, sql, tasks);
    }
    Sources.execute(database, "vacuum analyze batchyard.task");
    Sources.execute(database, "vacuum analyze batchyard.outcome");
  }

  @Override
  public List<String> workerOptions() {
    return launcherOptions();
  }

  private synchronized void shut() {
    if (opened != null) {
      opened.installation().close();
      opened = null;
    }
  }

  @Override
  public void close() throws IOException {
    shut();
    try (Stream<Path> all = Files.walk(data)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
