package dev.batchyard.bench;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskType;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.bench.layout.Layout;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.AttemptLogs;
import dev.batchyard.engine.port.ParameterCodec;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.engine.run.EngineConfig;
import dev.batchyard.engine.run.EnginePorts;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.Store;
import dev.batchyard.store.StoreClock;
import dev.batchyard.store.server.Database;
import dev.batchyard.store.server.DatabaseAddress;
import dev.batchyard.store.server.Migrations;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiFunction;
import javax.sql.DataSource;

/**
 * The engine with default settings over a fresh schema whose tasks lie in a layout. Sessions and
 * all else are the product's. The log lines of attempts, which no layout changes, are left out.
 */
final class LayoutNode implements AutoCloseable {

  private static final String TYPE = "bench.nothing";
  private static final int HANDLER_CONNECTIONS = 1; // its handlers need none
  private static final long DRAIN_MAX_S = 300;
  private static final long LOOK_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(2);

  private final ParameterCodec codec = new JacksonParameters();
  private final Database database;
  private final Store store;
  private final Layout layout;

  /** What a task is told. */
  record Told(long n) {}

  private LayoutNode(Database database, Store store, Layout layout) {
    this.database = database;
    this.store = store;
    this.layout = layout;
  }

  /** Drops the schema of an earlier one and makes it anew. */
  static LayoutNode fresh(DatabaseAddress at, BiFunction<Store, DataSource, Layout> layouts)
      throws SQLException {
    Database database = new Database(at, UUID.randomUUID(), HANDLER_CONNECTIONS);
    try (Connection connection = database.session();
        Statement statement = connection.createStatement()) {
      statement.execute("drop schema if exists batchyard cascade");
    }
    Migrations.run(database);
    Store store =
        new Store(
            database.queue(),
            database::session,
            StoreClock.DATABASE,
            new SplittableRandom(),
            Store.Settings.DEFAULT);
    Layout layout = layouts.apply(store, database.queue());
    layout.create();
    return new LayoutNode(database, store, layout);
  }

  /** Submits tasks, as many in a call as it takes; {@return the seconds that it took}. */
  double submit(int tasks) {
    long from_ns = System.nanoTime();
    Submitter submitter =
        new Submitter(types(() -> {}), codec, layout.submissions(), store.batches());
    for (int left = tasks; left > 0; left -= Submissions.BATCH_MAX) {
      int count = Math.min(left, Submissions.BATCH_MAX);
      var _ = submitter.submit(Collections.nCopies(count, NewTask.of(TYPE, new Told(0))));
    }
    return (System.nanoTime() - from_ns) / 1e9;
  }

  /**
   * Runs a node until SQL says that all have ended; {@return the seconds from its start to then}.
   */
  double drain(int tasks) throws InterruptedException, IOException, SQLException {
    long from_ns = System.nanoTime();
    AtomicInteger calls = new AtomicInteger();
    CountDownLatch all = new CountDownLatch(1);
    Runnable started =
        () -> {
          if (calls.incrementAndGet() == tasks) {
            all.countDown();
          }
        };
    try (Engine _ = Engine.start(config(), ports(), types(started), database::boot)) {
      if (!all.await(DRAIN_MAX_S, TimeUnit.SECONDS)) {
        throw new IOException("%d of %d tasks started".formatted(calls.get(), tasks));
      }
      long ended = layout.ended();
      while (ended < tasks) { // what has started ends: its end is under way
        LockSupport.parkNanos(LOOK_AGAIN_NS);
        ended = layout.ended();
      }
      if (ended != tasks || calls.get() != tasks) {
        throw new IOException(
            "%d tasks ended in %d calls, of %d".formatted(ended, calls.get(), tasks));
      }
      return (System.nanoTime() - from_ns) / 1e9;
    }
  }

  /** {@return the layout} */
  Layout layout() {
    return layout;
  }

  private EngineConfig config() {
    return new EngineConfig(
        "bench",
        "localhost",
        ProcessHandle.current().pid(),
        "bench",
        Integer.parseInt(Key.SLOTS.usual()),
        EngineConfig.DEFAULT_LEASE,
        EngineConfig.DEFAULT_STOP_GRACE,
        NodeTraits.NONE);
  }

  private EnginePorts ports() {
    return new EnginePorts(
        store.sessions(),
        layout.claims(),
        (boot, token, draft) -> {
          throw new IllegalStateException("a layout takes tasks in bulk");
        },
        layout.finishes(),
        store.rescues(),
        store.expiries(),
        store.runningRows(),
        store.steps(),
        store.splits(),
        store.upkeep(),
        codec,
        (task, attempt) -> AttemptLogs.OpenLog.SILENT,
        store.awayErrors(),
        store.retryPolicies(),
        Optional::empty);
  }

  private static TaskTypes types(Runnable started) {
    return new TaskTypes(
        List.of(
            new TaskType<>(
                TYPE,
                "Does nothing",
                "什么也不做",
                Told.class,
                (told, context) -> {
                  started.run();
                  return Outcome.completed();
                },
                TaskType.LEASE_MAX)));
  }

  @Override
  public void close() {
    database.close();
  }
}
