package dev.batchyard.store;

import dev.batchyard.engine.port.TaskDraft;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Stores tasks without keys, batches, limits and pools: one statement, which is its own
 * transaction, and nothing to look up afterwards. The more the tasks of a call are alike, the less
 * is sent.
 */
final class PlainSubmissions {

  // Without the sets and ranges of the others it takes half the time of the server.
  static final String SUBMIT_ONE =
      """
      with stored as (
        insert into task (id, submitted_at, lane, label, params, retry, due_at)
        select nextval('task_id'), c.at, ?, ?, ?::jsonb, ?, case when c.due > c.at then c.due end
          from (select coalesce(?::timestamptz, clock_timestamp()) as at, ?::timestamptz as due
                offset 0) c
        returning id, lane, coalesce(due_at, submitted_at) as due_at)
      insert into block (lane, due_at, first, lo, hi)
      select lane, due_at, id, id, id from stored
      returning first as id
      """;

  // The set of texts is scanned, numbered and inserted in its order: the n-th id is that of the
  // n-th
  // draft. Other submits may have taken ids between; each gap begins another span.
  static final String SUBMIT_ALIKE =
      """
      with given as materialized (
        select c.at, g.lane, g.retry, greatest(g.due, c.at) as due_at,
               case when g.due > c.at then g.due end as later
          from (select coalesce(?::timestamptz, clock_timestamp()) as at) c,
               (select ?::integer as lane, ?::text as retry, ?::timestamptz as due) g),
      stored as (
        insert into task (id, submitted_at, lane, label, params, retry, due_at)
        select nextval('task_id'), g.at, g.lane, t.label, t.params::jsonb, g.retry, g.later
          from given g, unnest(?::text[], ?::text[]) t (label, params)
        returning id),
      spans as materialized (
        select min(id) as lo, max(id) as hi
          from (select id, id - row_number() over () as gaps from stored) s
         group by gaps),
      blocks as (
        insert into block (lane, due_at, first, lo, hi)
        select g.lane, g.due_at, i, i, least(i + 499, s.hi)
          from spans s, given g, generate_series(s.lo, s.hi, 500) i)
      select lo, hi from spans order by lo
      """;

  // No CTE is joined with another: without statistics the planner takes a nested loop over 1000 ×
  // 1000.
  static final String SUBMIT =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as at),
      fresh as materialized (
        select g.n, nextval('task_id') as id, g.lane, g.label, g.params, g.retry,
               greatest(g.due_at, c.at) as due_at, case when g.due_at > c.at then g.due_at end as later,
               c.at
          from clock c,
               unnest(?::integer[], ?::text[], ?::text[], ?::text[], ?::text[]::timestamptz[])
               with ordinality g (lane, label, params, retry, due_at, n)),
      stored as (
        insert into task (id, submitted_at, lane, label, params, retry, due_at)
        select id, at, lane, label, params::jsonb, retry, later from fresh),
      """
          + PgSubmissions.PLACED
          + """
          select n, id from fresh
          """;

  /** What tasks of one call often share. */
  private record Kind(int lane, String retry, Optional<Instant> due) {}

  private final Db db;
  private final StoreClock clock;

  PlainSubmissions(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
  }

  /** {@return whether one statement takes it and knows its answer} */
  static boolean takes(TaskDraft draft) {
    return draft.keys().isEmpty() && draft.flags() == 0 && draft.pools().isEmpty();
  }

  /**
   * Stores all or none.
   *
   * @param lane the lane of each
   * @return their ids, in order
   */
  long[] submit(List<TaskDraft> drafts, int[] lane) {
    if (drafts.size() == 1) {
      return new long[] {submitOne(drafts.getFirst(), lane[0])};
    }
    boolean alike =
        IntStream.range(1, lane.length)
            .allMatch(n -> kind(drafts, lane, n).equals(kind(drafts, lane, 0)));
    return alike ? submitAlike(drafts, lane[0]) : submitMixed(drafts, lane);
  }

  private static Kind kind(List<TaskDraft> drafts, int[] lane, int n) {
    return new Kind(lane[n], drafts.get(n).retry(), drafts.get(n).due());
  }

  private long submitOne(TaskDraft draft, int lane) {
    return db.query(
            SUBMIT_ONE,
            row -> row.getLong("id"),
            lane,
            draft.label(),
            draft.paramsJson(),
            draft.retry(),
            clock.bound(),
            draft.due())
        .getFirst();
  }

  private long[] submitAlike(List<TaskDraft> drafts, int lane) {
    return db
        .query(
            SUBMIT_ALIKE,
            row -> LongStream.rangeClosed(row.getLong("lo"), row.getLong("hi")),
            clock.bound(),
            lane,
            drafts.getFirst().retry(),
            drafts.getFirst().due(),
            texts(drafts, TaskDraft::label),
            texts(drafts, TaskDraft::paramsJson))
        .stream()
        .flatMapToLong(Function.identity())
        .toArray();
  }

  private long[] submitMixed(List<TaskDraft> drafts, int[] lane) {
    Map<Integer, Long> ids = new HashMap<>();
    db.query(
            SUBMIT,
            row -> Map.entry(row.getInt("n"), row.getLong("id")),
            clock.bound(),
            lane,
            texts(drafts, TaskDraft::label),
            texts(drafts, TaskDraft::paramsJson),
            texts(drafts, TaskDraft::retry),
            texts(drafts, d -> d.due().map(Object::toString).orElse(null)))
        .forEach(e -> ids.put(e.getKey(), e.getValue()));
    return IntStream.rangeClosed(1, drafts.size())
        .mapToLong(n -> Objects.requireNonNull(ids.get(n)))
        .toArray();
  }

  /** {@return a column of drafts as the driver sends it} */
  static <T> @Nullable String[] texts(List<T> list, Function<T, @Nullable String> column) {
    return list.stream().map(column).toArray(String[]::new);
  }
}
