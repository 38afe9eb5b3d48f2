package dev.batchyard.app.process;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.Progress;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskType;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Position;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.app.process.Journal.Asked;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.Store;
import dev.batchyard.tasks.pipeline.jdbc.CommitChunk;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/** The task types of the proofs: many tasks of one claim, or each under a lease of its own. */
final class Deeds {

  static final String MANY = "proof.many";
  static final String ALONE = "proof.alone";

  /** A second queue, to be paused while the default one goes on. */
  static final String QUEUE = "proof";

  /** A queue that is paused for ever: what waits in it ends by its limits only. */
  static final String SHUT = "proof-shut";

  /** Four tries within some tenths of a second. */
  static final String RETRY = "proof";

  private static final int SNOOZE_MS_MAX = 50;
  private static final int LINGER_MS_MAX = 100;
  private static final Duration LOOK = Duration.ofMillis(5);

  private final DataSource database;
  private final StepDeeds steps;
  private final TaskTypes types;
  private final Submitter submitter;

  /**
   * With handlers that write to a database, and submit to a store.
   *
   * @param more types beside the proofs' own
   */
  Deeds(DataSource database, Store store, TaskType<?>... more) {
    this.database = database;
    this.steps = new StepDeeds(database);
    List<TaskType<?>> all = new ArrayList<>(List.of(more));
    all.add(type(MANY, TaskType.LEASE_MAX));
    all.add(type(ALONE, 1));
    types = new TaskTypes(all);
    submitter = new Submitter(types, new JacksonParameters(), store.submissions(), store.batches());
  }

  /**
   * The parameters.
   *
   * @param number which task of the journal it is
   * @param child the number of the task that it submits itself
   */
  record Told(long number, Deed deed, Optional<Long> child) {}

  TaskTypes types() {
    return types;
  }

  Submitter submitter() {
    return submitter;
  }

  private TaskType<Told> type(String name, int leaseMax) {
    return new TaskType<>(name, "A proof", "验证", Told.class, this::run, leaseMax);
  }

  /** Makes what the tasks need; again does no harm. */
  static void prepare(Connection db) throws SQLException {
    try (Statement statement = db.createStatement()) {
      statement.execute(
          """
          create table if not exists public.deed (task bigint not null, attempt integer not null);
          create table if not exists public.run (
            task bigint not null, attempt integer not null,
            begun_at timestamptz not null default clock_timestamp(), over_at timestamptz,
            primary key (task, attempt));
          create table if not exists public.item (task bigint not null, item integer not null);
          insert into batchyard.retry_policy values
              ('proof', 3, 'linear', '20 ms', '60 ms'), ('once', 0, 'linear', '20 ms', '60 ms')
              on conflict do nothing;
          insert into batchyard.queue (name) values ('proof') on conflict do nothing;
          insert into batchyard.queue (name, paused_at, paused_by) values ('proof-shut', now(), 'kim')
              on conflict do nothing
          """);
    }
  }

  static NewTask task(long number, Asked asked) {
    Told told = new Told(number, asked.deed(), asked.child());
    return NewTask.of(asked.deed().isAlone() ? ALONE : MANY, told).withRetry(RETRY);
  }

  private static NewTask child(long number) {
    Asked asked = Asked.of(Deed.COMPLETE, TaskKeys.NONE.withIdempotency("child " + number));
    return task(number, asked).withKeys(asked.keys());
  }

  private Outcome run(Told told, TaskContext context) throws Exception {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    switch (told.deed()) {
      case COMPLETE -> {}
      case FAIL_AT_TIMES -> {
        if (random.nextInt(5) < 2) {
          throw new IllegalStateException("this time it fails");
        }
      }
      case FAIL_FOR_GOOD -> throw new FinalFailure("it fails for good");
      case SNOOZE -> {
        if (random.nextBoolean()) {
          return Outcome.snoozed(Duration.ofMillis(random.nextInt(SNOOZE_MS_MAX)));
        }
      }
      case LINGER -> {
        LeaseToken lease = context.lease();
        write("insert into public.run (task, attempt) values (?, ?)", lease);
        boolean stopped = linger(context, random.nextInt(LINGER_MS_MAX));
        write(
            "update public.run set over_at = clock_timestamp() where task = ? and attempt = ?",
            lease);
        if (stopped) {
          return Outcome.stopped();
        }
      }
      case WRITE -> write("insert into public.deed values (?, ?)", context.lease());
      case CHUNKS -> {
        return chunks(told, context);
      }
      case STEPS -> {
        if (!steps.doAll(StepDeeds.Told.of(told.number()), context)) {
          return Outcome.stopped();
        }
      }
      case SPAWN -> told.child().ifPresent(number -> submitter.submit(child(number)));
    }
    return Outcome.completed(Map.of("number", told.number()));
  }

  private Outcome chunks(Told told, TaskContext context) throws SQLException {
    CommitChunk chunk = new CommitChunk(context.lease(), context.generation(), 0);
    try (Connection connection = database.getConnection();
        PreparedStatement insert =
            connection.prepareStatement("insert into public.item values (?, ?)")) {
      connection.setAutoCommit(false);
      long from = chunk.read(connection).map(c -> c.ledger().read()).orElse(0L);
      connection.commit();
      for (long item = from; item < Deed.ITEMS; item++) {
        if (context.stopRequested()) {
          return Outcome.stopped();
        }
        context.effect();
        insert.setLong(1, context.lease().task());
        insert.setLong(2, item);
        insert.executeUpdate();
        Position after = new Position("{\"item\": %d}".formatted(item + 1));
        chunk.commit(connection, after, new Ledger(1, 1, 0, 0), List.of(), false);
        context.progress(new Progress(item + 1, (item + 1.0) / Deed.ITEMS));
      }
    }
    return Outcome.completed(Map.of("number", told.number()));
  }

  /** {@return whether it was asked to stop} */
  private static boolean linger(TaskContext context, int ms) {
    long end = System.nanoTime() + ms * 1_000_000L;
    while (System.nanoTime() < end) {
      if (context.stopRequested()) {
        return true;
      }
      LockSupport.parkNanos(LOOK.toNanos());
    }
    return false;
  }

  private void write(String sql, LeaseToken lease) throws SQLException {
    try (Connection connection = database.getConnection();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setLong(1, lease.task());
      statement.setInt(2, lease.attempt());
      statement.executeUpdate();
    }
  }
}
