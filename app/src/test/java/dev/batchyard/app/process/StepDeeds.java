package dev.batchyard.app.process;

import dev.batchyard.api.DurableStep;
import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskType;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/**
 * Tasks of durable steps, each of which commits a row of its own, and the tasks that undo them: the
 * rows tell what was done and undone, and how often, whatever the store says. The first step has no
 * undo, and can be asked for.
 */
final class StepDeeds {

  static final String STEPS = "proof.steps";
  static final String UNDO = "proof.undo";

  private static final int STEPS_MAX = 6;

  /** So many at most has one that has no more than a number. */
  static final int STEPS_OF_NUMBER = 3;

  /** The step without an undo. */
  private static final int FEE = 0;

  private static final int PAUSE_US_MAX = 4_000;

  private final DataSource database;

  StepDeeds(DataSource database) {
    this.database = database;
  }

  /** How a task goes. */
  enum End {
    /** All steps, then the end. */
    COMPLETE,
    /** All steps, then a failure for good. */
    FAIL,
    /** At a step of random number, in each attempt, before or after what it does, it may fail. */
    FAIL_AT_TIMES
  }

  /**
   * The parameters of a task.
   *
   * @param stuck whose undo fails for good until a person runs it again; 0 for none
   */
  record Told(int steps, End end, int stuck) {

    /** {@return those of a task that has no more than a number} */
    static Told of(long number) {
      End[] ends = End.values();
      int step = Math.toIntExact(number % STEPS_OF_NUMBER);
      return new Told(1 + step, ends[Math.toIntExact(number / STEPS_OF_NUMBER % ends.length)], 0);
    }
  }

  /** The parameters of an undo. */
  record Undoing(long task, int generation, int step, boolean stuck) {}

  /** {@return the two types} */
  static List<TaskType<?>> types(DataSource database) {
    StepDeeds deeds = new StepDeeds(database);
    return List.of(
        new TaskType<>(STEPS, "Steps of a proof", "验证步骤", Told.class, deeds::run, 1),
        new TaskType<>(UNDO, "Undoes a step", "撤销步骤", Undoing.class, deeds::undo, 10));
  }

  /** Makes the tables that the tasks write to, beside what {@link Deeds#prepare} makes. */
  static void prepare(Connection db) throws SQLException {
    try (Statement statement = db.createStatement()) {
      statement.execute(
          """
          create table public.step_effect (
            task bigint, generation integer, step integer, undone boolean not null default false,
            primary key (task, generation, step));
          create table public.step_deed (
            seq bigint generated always as identity, task bigint not null,
            generation integer not null, step integer not null, undo boolean not null);
          create table public.step_undo (
            seq bigint generated always as identity, undo_task bigint primary key,
            task bigint not null, generation integer not null, step integer not null)
          """);
    }
  }

  static NewTask task(SplittableRandom random) {
    int steps = random.nextInt(1, STEPS_MAX + 1);
    End end = End.values()[random.nextInt(End.values().length)];
    int stuck = random.nextInt(8) == 0 ? random.nextInt(1, steps + 1) : 0;
    return NewTask.of(STEPS, new Told(steps, end, stuck)).withRetry(Deeds.RETRY);
  }

  private Outcome run(Told told, TaskContext context) throws Exception {
    return doAll(told, context) ? Outcome.completed() : Outcome.stopped();
  }

  /** {@return whether all steps are done; else it was asked to stop} */
  boolean doAll(Told told, TaskContext context) throws Exception {
    long task = context.lease().task();
    int generation = context.generation();
    var _ =
        context.step(
            DurableStep.of(
                    "fee",
                    () -> {
                      failAtTimes(told);
                      effect(task, generation, FEE);
                      failAtTimes(told);
                    })
                .asking(() ->
                    isPaid(task) ? Optional.of(new DurableStep.Nothing()) : Optional.empty()));
    for (int step = 1; step <= told.steps(); step++) {
      int number = step;
      var _ =
          context.step(
              DurableStep.of(
                      "step " + number,
                      () -> {
                        failAtTimes(told);
                        effect(task, generation, number);
                        failAtTimes(told);
                      })
                  .idempotent()
                  .undoneBy(
                      new DurableStep.Undo(
                          UNDO,
                          new Undoing(task, generation, number, told.stuck() == number),
                          Optional.of(Deeds.RETRY))));
      pause();
      if (context.stopRequested()) {
        return false;
      }
    }
    if (told.end() == End.FAIL) {
      throw new FinalFailure("it fails for good");
    }
    return true;
  }

  private static void failAtTimes(Told told) {
    if (told.end() == End.FAIL_AT_TIMES && ThreadLocalRandom.current().nextInt(6) == 0) {
      throw new IllegalStateException("this time it fails");
    }
  }

  private static void pause() {
    LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(PAUSE_US_MAX) * 1_000);
  }

  private void effect(long task, int generation, int step) throws SQLException {
    try (Connection connection = database.getConnection();
        PreparedStatement insert =
            connection.prepareStatement(
                """
                with told as (
                  insert into public.step_deed (task, generation, step, undo)
                  values (?, ?, ?, false)
                  returning task, generation, step)
                insert into public.step_effect
                select task, generation, step from told where step > 0
                    on conflict do nothing
                """)) {
      insert.setLong(1, task);
      insert.setInt(2, generation);
      insert.setInt(3, step);
      insert.executeUpdate();
    }
  }

  private boolean isPaid(long task) throws SQLException {
    try (Connection connection = database.getConnection();
        PreparedStatement ask =
            connection.prepareStatement(
                "select from public.step_deed where task = ? and step = " + FEE)) {
      ask.setLong(1, task);
      return ask.executeQuery().next();
    }
  }

  private Outcome undo(Undoing what, TaskContext context) throws SQLException {
    if (what.stuck() && context.generation() == 1) {
      throw new FinalFailure("a person must look at step " + what.step());
    }
    if (ThreadLocalRandom.current().nextInt(6) == 0) {
      throw new IllegalStateException("this time the undo fails");
    }
    pause();
    try (Connection connection = database.getConnection();
        PreparedStatement write =
            connection.prepareStatement(
                """
                with told as (
                  insert into public.step_undo (undo_task, task, generation, step) values (?, ?, ?, ?)
                      on conflict do nothing),
                deed as (
                  insert into public.step_deed (task, generation, step, undo) values (?, ?, ?, true))
                update public.step_effect set undone = true where task = ? and generation = ? and step = ?
                """)) {
      write.setLong(1, context.lease().task());
      for (int at : new int[] {2, 5, 8}) {
        write.setLong(at, what.task());
        write.setInt(at + 1, what.generation());
        write.setInt(at + 2, what.step());
      }
      write.executeUpdate();
    }
    pause();
    return Outcome.completed();
  }
}
