package dev.batchyard.store;

import dev.batchyard.api.DurableStep;
import dev.batchyard.api.LeaseLost;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.engine.port.Steps;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** One statement each; the functions guard them by the lease. */
final class PgSteps implements Steps {

  /** The SQLSTATE with which the database says that the lease is lost. */
  private static final String LEASE_LOST = "BY001";

  private static final String BEGIN =
      """
      select answer, stored, recorded
        from begin_step(?, ?, ?, ?, ?, ?::jsonb, ?, ?, ?::timestamptz)
      """;

  private static final String DONE =
      """
      select end_step(?, ?, ?, ?::jsonb, ?::timestamptz)
      """;

  private record Answer(String word, Optional<String> stored, Optional<String> recorded) {}

  private static final String SLOW_DOWN =
      """
      select slow_down(?, ?, ?::text, ? * interval '1 ms', ?::timestamptz) as pools
      """;

  private final Db db;
  private final StoreClock clock;

  PgSteps(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
  }

  @Override
  public Found begin(LeaseToken lease, Draft step, boolean again) {
    Answer answer =
        guarded(
            lease,
            () ->
                db.query(
                        BEGIN,
                        PgSteps::answer,
                        lease.task(),
                        lease.token(),
                        step.name(),
                        again,
                        step.undo().map(Undo::type),
                        step.undo().map(Undo::paramsJson),
                        step.undo().map(Undo::retry),
                        DurableStep.STEPS_MAX,
                        clock.bound())
                    .getFirst());
    return switch (answer.word()) {
      case "started" -> new Found.Started();
      case "unknown" -> new Found.Unknown();
      case "done" -> new Found.Done(answer.stored().orElseThrow());
      default -> new Found.Refused("step '%s': %s".formatted(step.name(), why(answer, step)));
    };
  }

  @Override
  public void done(LeaseToken lease, String name, String resultJson) {
    var _ =
        guarded(
            lease,
            () ->
                db.query(
                    DONE, r -> true, lease.task(), lease.token(), name, resultJson, clock.bound()));
  }

  @Override
  public void slowDown(LeaseToken lease, Optional<String> pool, Duration retryAfter) {
    List<List<String>> pools =
        db.query(
            SLOW_DOWN,
            r -> List.of((String[]) r.getArray("pools").getArray()),
            lease.task(),
            lease.token(),
            pool,
            Math.clamp(retryAfter.toMillis(), 0, RETRY_AFTER_MAX.toMillis()),
            clock.bound());
    if (pools.isEmpty()) {
      throw new LeaseLost(lease.task());
    }
    List<String> fits = pools.getFirst();
    if (fits.size() != 1) {
      throw new IllegalArgumentException(
          fits.isEmpty()
              ? "pool%s: task %d uses no slots and no rate of this name that could be slowed down"
                  .formatted(pool.map(name -> " '" + name + "'").orElse(""), lease.task())
              : "pool: task %d uses %s; name the one that is to be slowed down"
                  .formatted(lease.task(), String.join(", ", fits)));
    }
  }

  private static String why(Answer answer, Draft step) {
    return switch (answer.word()) {
      case "many" ->
          "the task has %d steps, and none has more; let one step do several things"
              .formatted(DurableStep.STEPS_MAX);
      case "policy" ->
          "retry policy '%s' of its undo does not exist"
              .formatted(step.undo().map(Undo::retry).orElse(""));
      case "undo" ->
          "it was begun before and may have happened, with the undo %s; now it comes with %s, which would not take that back; give it the same in every attempt"
              .formatted(
                  answer.recorded().orElse("of nothing"),
                  step.undo().map(u -> u.type() + " " + u.paramsJson()).orElse("of nothing"));
      default -> throw new IllegalStateException(answer.toString());
    };
  }

  private static <T> T guarded(LeaseToken lease, Supplier<T> write) {
    try {
      return write.get();
    } catch (StatementFailed e) {
      if (e.sqlState().equals(LEASE_LOST)) {
        throw new LeaseLost(lease.task(), e);
      }
      throw e;
    }
  }

  private static Answer answer(ResultSet row) throws SQLException {
    return new Answer(
        row.getString("answer"), Sql.maybeText(row, "stored"), Sql.maybeText(row, "recorded"));
  }
}
