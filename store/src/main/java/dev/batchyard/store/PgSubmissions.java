package dev.batchyard.store;

import static dev.batchyard.store.PlainSubmissions.texts;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Plain tasks go to {@link PlainSubmissions}. Keys and batches take a wider statement, and a
 * transaction around it: who holds the keys that were taken is looked up, batches are counted last.
 */
final class PgSubmissions implements Submissions {

  /** A key must be given up between two looks at it, so often. */
  private static final int TRIES_MAX = 20;

  // No CTE is joined with another: without statistics the planner takes a nested loop over 1000 ×
  // 1000.
  static final String PLACED =
      """
      spans as (
        select lane, due_at, unnest(range_agg(int8range(id, id, '[]'))) as ids
          from fresh
         group by lane, due_at),
      blocks as (
        insert into block (lane, due_at, first, lo, hi)
        select lane, due_at, g, g, least(g + 499, upper(ids) - 1)
          from spans, generate_series(lower(ids), upper(ids) - 1, 500) g)
      """;

  static final String SUBMIT_FLAGGED =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as at),
      given as materialized (
        select g.*, nextval('task_id') as id, greatest(g.due, c.at) as due_at,
               case when g.due > c.at then g.due end as later,
               g.period_ms * interval '1 ms' as period, c.at
          from clock c,
               unnest(?::integer[], ?::text[], ?::text[], ?::text[], ?::text[]::timestamptz[],
                      ?::text[], ?::integer[], ?::text[], ?::text[], ?::text[], ?::bigint[],
                      ?::bigint[], ?::text[])
               with ordinality
               g (lane, label, params, retry, due, type, flags, key, live_key, period_key, period_ms,
                  batch, limits, n)),
      asked as materialized (
        select id, 'idempotency' as scope, type, key, at + ? * interval '1 ms' as until
          from given where key is not null
        union all
        select id, 'live', type, live_key, 'infinity' from given where live_key is not null
        union all
        select id, 'period', type, period_key, at + period
          from given where period_key is not null),
      refused as materialized (
        select take_keys(array_agg(id), array_agg(scope::key_scope), array_agg(type),
                         array_agg(key), array_agg(until), (select at from clock)) as ids
          from asked),
      fresh as materialized (
        select * from given where id not in (select unnest(ids) from refused)),
      stored as (
        insert into task (id, submitted_at, lane, flags, label, params, retry, due_at, key, live_key,
                          period_key, period, batch, limits)
        select id, at, lane, flags, label, params::jsonb, retry, later, key, live_key,
               period_key, period, batch, limits::jsonb
          from fresh),
      limited as (
        insert into expiry (task, queue_timeout, start_by, end_by, by_deadline, look_at)
        select f.id, x.queue_timeout, x.start_by, x.end_by, x.by_deadline, least(x.start_by, x.end_by)
          from fresh f
         cross join lateral expiry_of(f.limits::jsonb, f.at, f.due_at) x),
      """
          + PLACED
          + """
          select n, id, case when limits is not null then at end as at from fresh
          """;

  // by the first of its keys that another holds
  private static final String HOLDERS =
      """
      select distinct on (g.n) g.n, k.task
        from unnest(?::integer[], ?::text[]::key_scope[], ?::text[], ?::text[])
             g (n, scope, type, key)
       cross join lateral (
         select k.task
           from task_key k
          where k.scope = g.scope and k.type = g.type and k.key = g.key
            and k.until > coalesce(?::timestamptz, clock_timestamp())
         offset 0) k
       order by g.n, g.scope
      """;

  private static final String JOIN_BATCH =
      """
      update batch set total = total + ? where id = ? and sealed_at is null
      """;

  private static final String BATCH_SEALED =
      """
      select 1 from batch where id = ?
      """;

  /** One key of the draft at a place. */
  private record Asked(int n, String scope, String type, String key) {}

  private final Db db;
  private final StoreClock clock;
  private final PlainSubmissions plain;
  private final Lanes lanes;
  private final IdSpans spans;
  private final WakeUps wakeUps;

  PgSubmissions(Db db, StoreClock clock, Lanes lanes, IdSpans spans, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.plain = new PlainSubmissions(db, clock);
    this.lanes = lanes;
    this.spans = spans;
    this.wakeUps = wakeUps;
  }

  @Override
  public List<Submitted> submit(List<TaskDraft> drafts) {
    if (drafts.size() > BATCH_MAX) {
      throw new IllegalArgumentException(drafts.size() + " tasks at once; at most " + BATCH_MAX);
    }
    if (drafts.isEmpty()) {
      return List.of();
    }
    lanes.check(drafts);
    int[] lane = drafts.stream().mapToInt(lanes::number).toArray();
    boolean isPlain = drafts.stream().allMatch(PlainSubmissions::takes);
    List<Submitted> answers =
        spans.withRoom(() ->
            isPlain
                ? Arrays.stream(plain.submit(drafts, lane))
                    .mapToObj(id -> new Submitted(id, true))
                    .toList()
                : db.transaction(c -> submitFlagged(c, drafts, lane)));
    CrashPoint.SUBMITTED.pass();
    OptionalLong last = answers.stream().filter(Submitted::fresh).mapToLong(Submitted::task).max();
    if (last.isPresent()) {
      wakeUps.wake();
      spans.took(last.getAsLong());
    }
    return answers;
  }

  /** A draft that got no key and finds no holder comes too late to be told it: it tries again. */
  List<Submitted> submitFlagged(Connection connection, List<TaskDraft> drafts, int[] lane)
      throws SQLException {
    lanes.keepPools(connection, drafts);
    Map<Integer, Submitted> answers = new HashMap<>();
    for (int tries = 0; answers.size() < drafts.size(); tries++) {
      if (tries == TRIES_MAX) {
        throw new IllegalStateException("a key is taken, but no task holds it");
      }
      List<Integer> open =
          IntStream.rangeClosed(1, drafts.size())
              .filter(n -> !answers.containsKey(n))
              .boxed()
              .toList();
      insert(connection, drafts, lane, open)
          .forEach((n, id) -> answers.put(n, new Submitted(id, true)));
      holders(connection, drafts, open.stream().filter(n -> !answers.containsKey(n)).toList())
          .forEach((n, id) -> answers.put(n, new Submitted(id, false)));
    }
    joinBatches(connection, drafts, answers);
    return IntStream.rangeClosed(1, drafts.size())
        .mapToObj(n -> Objects.requireNonNull(answers.get(n)))
        .toList();
  }

  /**
   * {@return the ids of those that are new, by their place}
   *
   * @throws InvalidParameters if the deadline of one of them has passed
   */
  private Map<Integer, Long> insert(
      Connection connection, List<TaskDraft> all, int[] lane, List<Integer> open)
      throws SQLException {
    List<TaskDraft> drafts = open.stream().map(n -> all.get(n - 1)).toList();
    Map<Integer, Long> ids = new HashMap<>();
    TreeMap<Integer, InvalidParameters.Problem> late = new TreeMap<>();
    Sql.query(
            connection,
            SUBMIT_FLAGGED,
            r -> {
              int n = open.get(r.getInt("n") - 1);
              Sql.maybeInstant(r, "at")
                  .flatMap(at -> Deadlines.passed("deadline", all.get(n - 1).limits(), at))
                  .ifPresent(problem -> late.put(n, problem));
              return Map.entry(n, r.getLong("id"));
            },
            clock.bound(),
            open.stream().mapToInt(n -> lane[n - 1]).toArray(),
            texts(drafts, TaskDraft::label),
            texts(drafts, TaskDraft::paramsJson),
            texts(drafts, TaskDraft::retry),
            texts(drafts, d -> d.due().map(Object::toString).orElse(null)),
            texts(drafts, TaskDraft::type),
            drafts.stream().mapToInt(TaskDraft::flags).toArray(),
            texts(drafts, d -> d.keys().idempotency().orElse(null)),
            texts(drafts, d -> d.keys().live().orElse(null)),
            texts(drafts, d -> d.keys().within().map(TaskKeys.Within::key).orElse(null)),
            numbers(drafts, d -> d.keys().within().map(w -> w.period().toMillis()).orElse(null)),
            numbers(drafts, d -> d.batch().isPresent() ? d.batch().getAsLong() : null),
            texts(drafts, d -> LimitsJson.write(d.limits())),
            TaskKeys.IDEMPOTENCY_KEPT.toMillis())
        .forEach(e -> ids.put(e.getKey(), e.getValue()));
    if (!late.isEmpty()) {
      throw new InvalidParameters(late.firstKey() - 1, List.of(late.firstEntry().getValue()));
    }
    return ids;
  }

  /** {@return the tasks that hold keys of those at these places, as far as they still do} */
  private Map<Integer, Long> holders(
      Connection connection, List<TaskDraft> drafts, List<Integer> open) throws SQLException {
    Map<Integer, Long> holders = new HashMap<>();
    if (open.isEmpty()) {
      return holders;
    }
    List<Asked> asked = new ArrayList<>();
    for (int n : open) {
      TaskDraft draft = drafts.get(n - 1);
      TaskKeys keys = draft.keys();
      keys.idempotency().ifPresent(k -> asked.add(new Asked(n, "idempotency", draft.type(), k)));
      keys.live().ifPresent(k -> asked.add(new Asked(n, "live", draft.type(), k)));
      keys.within().ifPresent(w -> asked.add(new Asked(n, "period", draft.type(), w.key())));
    }
    Sql.query(
            connection,
            HOLDERS,
            r -> Map.entry(r.getInt("n"), r.getLong("task")),
            asked.stream().mapToInt(Asked::n).toArray(),
            texts(asked, Asked::scope),
            texts(asked, Asked::type),
            texts(asked, Asked::key),
            clock.bound())
        .forEach(e -> holders.put(e.getKey(), e.getValue()));
    return holders;
  }

  /** Last in the transaction and in order: a batch is one row that all its submits wait for. */
  private static void joinBatches(
      Connection connection, List<TaskDraft> drafts, Map<Integer, Submitted> answers)
      throws SQLException {
    Map<Long, Integer> members = new TreeMap<>();
    answers.forEach((n, answer) -> {
      if (answer.fresh()) {
        drafts.get(n - 1).batch().ifPresent(batch -> members.merge(batch, 1, Integer::sum));
      }
    });
    for (Map.Entry<Long, Integer> each : members.entrySet()) {
      long batch = each.getKey();
      if (Sql.update(connection, JOIN_BATCH, each.getValue(), batch) == 0) {
        List<OptionalLong> joined = drafts.stream().map(TaskDraft::batch).toList();
        throw new UnknownName(
            "batch",
            joined.indexOf(OptionalLong.of(batch)),
            Sql.first(connection, BATCH_SEALED, r -> true, batch).isPresent()
                ? "batch %d is sealed: nothing can join it any more; open another".formatted(batch)
                : "batch %d does not exist; open one first".formatted(batch));
      }
    }
  }

  private static @Nullable Long[] numbers(
      List<TaskDraft> drafts, Function<TaskDraft, @Nullable Long> column) {
    return drafts.stream().map(column).toArray(Long[]::new);
  }
}
