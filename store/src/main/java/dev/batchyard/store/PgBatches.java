package dev.batchyard.store;

import dev.batchyard.api.Labels;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.Storable;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/** One row a batch; its members are counted by the submits and by {@code settle()}. */
final class PgBatches implements Batches {

  // Its total timeout counts from here on, its queue timeout from when it is released.
  private static final String PARK_THEN =
      """
      with fresh as materialized (
        select nextval('task_id') as id, coalesce(?::timestamptz, clock_timestamp()) as at,
               ?::integer as lane, ?::text as label, ?::jsonb as params, ?::text as retry,
               ?::jsonb as limits),
      stored as (
        insert into task (id, submitted_at, lane, flags, label, params, retry, limits)
        select id, at, lane, ?, label, params, retry, limits from fresh),
      limited as (
        insert into expiry (task, queue_timeout, start_by, end_by, by_deadline, look_at)
        select f.id, x.queue_timeout, x.start_by, x.end_by, x.by_deadline, least(x.start_by, x.end_by)
          from fresh f
         cross join lateral expiry_of(f.limits, f.at, f.at) x)
      insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes,
                          generation, by, at)
      select id, 'blocked', 'blocked', 'new', lane, at, 0, 0, 0, 1, 'batch', at from fresh
      returning id, at
      """;

  private static final String OPEN =
      """
      insert into batch (label, opened_at, then_task)
      values (?, coalesce(?::timestamptz, clock_timestamp()), ?::bigint)
      returning id
      """;

  private static final String SEAL =
      """
      update batch set sealed_at = coalesce(?::timestamptz, clock_timestamp())
       where id = ? and sealed_at is null
      """;

  private static final String END =
      """
      select end_batch(?, coalesce(?::timestamptz, clock_timestamp()))
      """;

  private static final String FIND =
      """
      select id, label, opened_at, sealed_at, ended_at, then_task, total, completed, failed, cancelled, kind
        from batch
       where id = ?
      """;

  static final String FIND_BEFORE =
      """
      select id, label, opened_at, sealed_at, ended_at, then_task, total, completed, failed, cancelled, kind
        from batch
       where then_task = ?
       order by id desc
       limit 1
      """;

  private static final String LIST =
      """
      select id, label, opened_at, sealed_at, ended_at, then_task, total, completed, failed, cancelled, kind
        from batch
       where id < ?
       order by id desc
       limit ?
      """;

  private final Db db;
  private final StoreClock clock;
  private final Lanes lanes;
  private final IdSpans spans;
  private final WakeUps wakeUps;

  PgBatches(Db db, StoreClock clock, Lanes lanes, IdSpans spans, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.lanes = lanes;
    this.spans = spans;
    this.wakeUps = wakeUps;
  }

  @Override
  public Opened open(String label, Optional<TaskDraft> then) {
    Storable.requireText("label", label);
    Labels.problem(label)
        .ifPresent(problem -> {
          throw new InvalidParameters(List.of(new InvalidParameters.Problem("label", problem)));
        });
    then.ifPresent(PgBatches::requireThen);
    then.map(List::of).ifPresent(lanes::check);
    int lane = then.map(lanes::number).orElse(0); // not within the transaction: it takes another
    return spans.withRoom(() -> db.transaction(c -> open(c, label, then, lane)));
  }

  private Opened open(Connection connection, String label, Optional<TaskDraft> then, int lane)
      throws SQLException {
    if (then.isPresent()) {
      lanes.keepPools(connection, List.of(then.get()));
    }
    OptionalLong task =
        then.isPresent()
            ? OptionalLong.of(park(connection, then.get(), lane))
            : OptionalLong.empty();
    long batch =
        Sql.first(
                connection,
                OPEN,
                r -> r.getLong("id"),
                label,
                clock.bound(),
                task.isPresent() ? Optional.of(task.getAsLong()) : Optional.empty())
            .orElseThrow();
    return new Opened(batch, task);
  }

  @Override
  public boolean seal(long batch) {
    int[] released = {0};
    boolean sealed =
        db.transaction(c -> {
          boolean now = Sql.update(c, SEAL, clock.bound(), batch) == 1;
          released[0] =
              now ? Sql.query(c, END, r -> r.getInt(1), batch, clock.bound()).getFirst() : 0;
          return now;
        });
    if (!sealed && find(batch).isEmpty()) {
      throw new UnknownName("batch %d does not exist; open one first".formatted(batch));
    }
    if (released[0] > 0) {
      wakeUps.wake();
    }
    return sealed;
  }

  @Override
  public Optional<Batch> find(long batch) {
    return db.query(FIND, PgBatches::batch, batch).stream().findFirst();
  }

  @Override
  public Page list(OptionalLong before, int limit) {
    int most = Math.clamp(limit, 1, PAGE_MAX);
    List<Batch> rows =
        db.query(LIST, PgBatches::batch, before.orElse(Long.MAX_VALUE), most + 1); // one more tells
    List<Batch> page = rows.subList(0, Math.min(most, rows.size()));
    return new Page(
        page, rows.size() > most ? OptionalLong.of(page.getLast().id()) : OptionalLong.empty());
  }

  /** {@return the batch that releases a then task, or the last split of a parent} */
  static Optional<Batch> before(Connection connection, long then) throws SQLException {
    return Sql.first(connection, FIND_BEFORE, PgBatches::batch, then);
  }

  private long park(Connection connection, TaskDraft then, int lane) throws SQLException {
    return Sql.first(
            connection,
            PARK_THEN,
            r -> {
              Instant at = Sql.instant(r, "at");
              Deadlines.passed("then.deadline", then.limits(), at)
                  .ifPresent(problem -> {
                    throw new InvalidParameters(List.of(problem));
                  });
              return r.getLong("id");
            },
            clock.bound(),
            lane,
            then.label(),
            then.paramsJson(),
            then.retry(),
            Optional.ofNullable(LimitsJson.write(then.limits())),
            Claim.THEN | then.flags())
        .orElseThrow();
  }

  private static void requireThen(TaskDraft then) {
    List<InvalidParameters.Problem> problems = new ArrayList<>();
    TaskKeys keys = then.keys();
    keys.idempotency().ifPresent(key -> problems.add(keyed("then.key", key)));
    keys.live().ifPresent(key -> problems.add(keyed("then.unique-live", key)));
    keys.within().ifPresent(within -> problems.add(keyed("then.unique-within", within.key())));
    if (then.batch().isPresent()) {
      problems.add(
          new InvalidParameters.Problem(
              "then.batch",
              "%d: a then task is a member of no batch; leave it out"
                  .formatted(then.batch().getAsLong())));
    }
    then.due()
        .ifPresent(due ->
            problems.add(
                new InvalidParameters.Problem(
                    "then.due",
                    due + ": a then task is due when its batch has ended; leave it out")));
    if (!problems.isEmpty()) {
      throw new InvalidParameters(problems);
    }
  }

  private static InvalidParameters.Problem keyed(String field, String key) {
    return new InvalidParameters.Problem(
        field,
        "'%s': a then task takes no key, since it waits for its own batch and for no other task; leave it out"
            .formatted(key));
  }

  private static Batch batch(ResultSet row) throws SQLException {
    return new Batch(
        row.getLong("id"),
        row.getString("label"),
        Sql.instant(row, "opened_at"),
        Sql.maybeInstant(row, "sealed_at"),
        Sql.maybeInstant(row, "ended_at"),
        Sql.maybeLong(row, "then_task"),
        row.getLong("total"),
        row.getLong("completed"),
        row.getLong("failed"),
        row.getLong("cancelled"),
        Kind.valueOf(row.getString("kind").toUpperCase(Locale.ROOT)));
  }
}
