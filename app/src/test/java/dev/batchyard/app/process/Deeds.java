package dev.batchyard.app.process;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.run.TaskTypes;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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

  private Deeds(DataSource database) {
    this.database = database;
  }

  /** The parameters: which task of the journal it is. */
  record Told(long number, Deed deed) {}

  static TaskTypes types(DataSource database) {
    Deeds deeds = new Deeds(database);
    return new TaskTypes(List.of(deeds.type(MANY, TaskType.LEASE_MAX), deeds.type(ALONE, 1)));
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
          insert into batchyard.retry_policy values ('proof', 3, 'linear', '20 ms', '60 ms')
              on conflict do nothing;
          insert into batchyard.queue (name) values ('proof') on conflict do nothing;
          insert into batchyard.queue (name, paused_at, paused_by) values ('proof-shut', now(), 'kim')
              on conflict do nothing
          """);
    }
  }

  static NewTask task(long number, Deed deed) {
    String type = deed == Deed.LINGER || deed == Deed.WRITE ? ALONE : MANY;
    return NewTask.of(type, new Told(number, deed)).withRetry(RETRY);
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
        long end = System.nanoTime() + random.nextInt(LINGER_MS_MAX) * 1_000_000L;
        while (System.nanoTime() < end) {
          if (context.stopRequested()) {
            return Outcome.stopped();
          }
          LockSupport.parkNanos(LOOK.toNanos());
        }
      }
      case WRITE -> write(context);
    }
    return Outcome.completed(Map.of("number", told.number()));
  }

  private void write(TaskContext context) throws SQLException {
    try (Connection connection = database.getConnection();
        PreparedStatement insert =
            connection.prepareStatement("insert into public.deed values (?, ?)")) {
      insert.setLong(1, context.lease().task());
      insert.setInt(2, context.lease().attempt());
      insert.executeUpdate();
    }
  }
}
