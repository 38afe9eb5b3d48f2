package dev.batchyard.bench.queue;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerClient;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import dev.batchyard.store.server.DatabaseAddress;
import java.io.StringReader;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.function.LongConsumer;

/**
 * db-scheduler, set as its guide to high throughput says: executions are locked and fetched by one
 * statement, more of them than there are threads, and scheduled in batches. It deletes what has
 * ended and keeps no history.
 */
final class DbScheduler implements QueueSystem {

  private static final String NAME = "db_scheduler";
  private static final String VERSION =
      "META-INF/maven/com.github.kagkarlsson/db-scheduler/pom.properties";
  private static final String TABLES = "dev/batchyard/bench/queue/db_scheduler.sql";
  private static final String TASK = "noop";

  /** The fastest on two cores of the three settings that its performance page was measured with. */
  private static final int THREADS = 20;

  private static final double FETCH_BELOW = 4.0;
  private static final double FETCH_UP_TO = 20.0;

  /** Bounds the latency, since nothing wakes a scheduler of another process. */
  private static final Duration POLL = Duration.ofMillis(10);

  private static final Duration END_MAX = Duration.ofSeconds(30);

  private final PeerDatabase database;
  private final SchedulerClient client;
  private final TaskNames names = new TaskNames();
  private long madeBefore;

  DbScheduler(DatabaseAddress address) {
    this.database = new PeerDatabase(address, NAME, THREADS);
    this.client = SchedulerClient.Builder.create(database.source(), task(n -> {})).build();
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String settings() {
    Properties about = new Properties();
    try {
      about.load(new StringReader(PeerDatabase.resource(VERSION)));
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return "db-scheduler %s: lock-and-fetch %.1f to %.1f of %d threads, polls each %d ms, scheduleBatch; %s"
        .formatted(
            about.getProperty("version"),
            FETCH_BELOW,
            FETCH_UP_TO,
            THREADS,
            POLL.toMillis(),
            database.settings());
  }

  @Override
  public void create() throws SQLException {
    database.clear();
    database.execute(PeerDatabase.resource(TABLES));
    madeBefore = names.made();
  }

  @Override
  public void submit(int count) {
    List<TaskInstance<?>> tasks = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      tasks.add(new TaskInstance<>(TASK, names.next(0)));
    }
    client.scheduleBatch(tasks, Instant.now());
  }

  @Override
  public void submitOne(long n) {
    client.scheduleIfNotExists(new TaskInstance<>(TASK, names.next(n)), Instant.now());
  }

  @Override
  public AutoCloseable work(LongConsumer started) {
    Scheduler scheduler =
        Scheduler.create(database.source(), task(started))
            .threads(THREADS)
            .pollUsingLockAndFetch(FETCH_BELOW, FETCH_UP_TO)
            .pollingInterval(POLL)
            .shutdownMaxWait(END_MAX)
            .build();
    scheduler.start();
    return scheduler::stop;
  }

  private static OneTimeTask<Void> task(LongConsumer started) {
    return Tasks.oneTime(TASK)
        .execute((task, context) -> started.accept(TaskNames.number(task.getId())));
  }

  /** What this instance has submitted and the table no longer holds: an end deletes the row. */
  @Override
  public long ended() throws SQLException {
    return names.made() - madeBefore - database.number("select count(*) from scheduled_tasks");
  }

  @Override
  public void close() {
    database.close();
  }
}
