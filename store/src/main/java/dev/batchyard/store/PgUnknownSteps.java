package dev.batchyard.store;

import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.Storable;
import dev.batchyard.engine.port.UnknownSteps;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * Locks the step before it looks whether the task runs: an attempt that begins the step meanwhile
 * waits for the lock and finds what was said.
 */
final class PgUnknownSteps implements UnknownSteps {

  private static final String LOCK =
      """
      select round, done_at is not null and settled is null as recorded, undo_task
        from step
       where task = ? and name = ?
       order by round desc
       limit 1
         for update
      """;

  // of a task that was dropped nothing is left
  private static final String TASK =
      """
      select exists (select from lease where ids @> t.id) as runs,
             (select state::text from outcome where id = t.id) as state,
             (select string_agg('''' || name || '''', ', ' order by round, number)
                from step where task = t.id) as steps
        from task t
       where t.id = ?
      """;

  private static final String SETTLE =
      """
      update step s
         set settled = w.word, settled_at = w.now, settled_by = ?, settled_why = ?,
             done_at = case w.word when 'done' then w.now end, result = w.result
        from (select ?::text as word, ?::jsonb as result,
                     coalesce(?::timestamptz, clock_timestamp()) as now) w
       where s.task = ? and s.name = ? and s.round = ? and s.undo_task is null
         and (s.done_at is null or s.settled is not null)
      """;

  private record Step(int round, boolean recorded, Optional<Long> undo) {}

  private record Task(boolean runs, Optional<String> state, Optional<String> steps) {}

  private final Db db;
  private final StoreClock clock;

  PgUnknownSteps(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
  }

  @Override
  public Move done(long task, String step, String resultJson, String by, String why) {
    Storable.requireJson("done", resultJson);
    int bytes = resultJson.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > RESULT_BYTES_MAX) {
      throw new IllegalArgumentException(
          "done: the result has %d bytes; a step keeps at most %d"
              .formatted(bytes, RESULT_BYTES_MAX));
    }
    return settle(task, step, "done", Optional.of(resultJson), by, why);
  }

  @Override
  public Move notDone(long task, String step, String by, String why) {
    return settle(task, step, "not_done", Optional.empty(), by, why);
  }

  private Move settle(
      long task, String step, String word, Optional<String> result, String by, String why) {
    PgOperatorMoves.requireReason(why);
    Storable.requireText("step", step);
    return db.transaction(c -> {
      Optional<Step> found = Sql.first(c, LOCK, PgUnknownSteps::step, task, step);
      Optional<Task> now = Sql.first(c, TASK, PgUnknownSteps::task, task);
      if (now.isEmpty()) {
        return Move.NOT_FOUND;
      }
      Optional<String> refusal = refusal(found, now.get());
      if (refusal.isPresent()) {
        throw new MoveRefused("task %d, step '%s': %s".formatted(task, step, refusal.get()));
      }
      int round = found.orElseThrow().round();
      if (Sql.update(c, SETTLE, by, why, word, result, clock.bound(), task, step, round) != 1) {
        throw new IllegalStateException("task " + task + ": its step was locked, and has changed");
      }
      return Move.DONE;
    });
  }

  private static Optional<String> refusal(Optional<Step> step, Task task) {
    if (step.isEmpty()) {
      return Optional.of(
          task.steps()
              .map(names -> "it has no step of this name; it has " + names)
              .orElse("it has no durable step"));
    }
    if (task.runs()) {
      return Optional.of(
          "it runs; pause it or wait for the end of its attempt, which may be about to say itself what is so");
    }
    if (task.state().filter(List.of("completed", "skipped")::contains).isPresent()) {
      return Optional.of(
          "it is " + task.state().get() + ", and nothing comes to the step any more");
    }
    if (step.get().undo().isPresent()) {
      return Optional.of(
          "task %d undoes it, and finds out by itself what there is to undo"
              .formatted(step.get().undo().get()));
    }
    return step.get().recorded()
        ? Optional.of("an attempt has recorded it as done")
        : Optional.empty();
  }

  private static Step step(ResultSet row) throws SQLException {
    return new Step(
        row.getInt("round"),
        row.getBoolean("recorded"),
        Sql.maybeLong(row, "undo_task").stream().boxed().findFirst());
  }

  private static Task task(ResultSet row) throws SQLException {
    return new Task(
        row.getBoolean("runs"), Sql.maybeText(row, "state"), Sql.maybeText(row, "steps"));
  }
}
