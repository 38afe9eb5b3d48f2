package dev.batchyard.store;

import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.engine.port.TaskViews;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Finds the ids of a page first, then reads their rows. */
final class PgTaskViews implements TaskViews {

  private static final String NEWEST =
      """
      select id from task where id < ? order by id desc limit ?
      """;

  private static final String TOP =
      """
      select coalesce(max(id), 0) + 1 as top from task
      """;

  // Walks the homes, not the tasks: what waits and runs is expanded only within the window of ids.
  private static final String MATCHING =
      """
      with bounds as materialized (
        select ?::bigint as low, ?::bigint as high, ?::text[]::task_state[] as states,
               ?::text as type, coalesce(?::timestamptz, clock_timestamp()) as now)
      select id from (
        (select o.id
           from bounds w
           join outcome o on o.id >= w.low and o.id < w.high
          where o.state = any (w.states) and (w.type is null or o.type = w.type)
          order by o.id desc limit ?)
        union all
        select p.id
          from bounds w
          join parked p on p.id >= w.low and p.id < w.high
          join lane n on n.id = p.lane
         where p.state = any (w.states) and (w.type is null or n.type = w.type)
        union all
        select g.id
          from bounds w
          join lease l on 'running' = any (w.states)
          join lane n on n.id = l.lane
         cross join unnest(l.ids * int8multirange(int8range(w.low, w.high))) s (ids)
         cross join generate_series(lower(s.ids), upper(s.ids) - 1) g (id)
         where w.type is null or n.type = w.type
        union all
        select g.id
          from bounds w
          join block b on b.first >= w.low - 499 and b.first < w.high
          join lane n on n.id = b.lane
         cross join generate_series(greatest(b.lo, w.low), least(b.hi, w.high - 1)) g (id)
         where (w.type is null or n.type = w.type)
           and case when b.due_at <= w.now then 'ready'
                    when b.kind = 'retry'  then 'retrying'
                    else                        'scheduled' end::task_state = any (w.states)) m
       order by id desc
       limit ?
      """;

  private static final String DETAIL =
      """
      select t.params, t.retry, t.key, t.due_at, o.result, o.error,
             q.kind as request, u.paused_by, u.paused_at, k.read, k.written, k.skipped, k.rejected, k.position,
             exists (select from node m
                      where m.fenced_at is null and l.type = any (m.types)
                        and m.lease_until >= coalesce(?::timestamptz, clock_timestamp())) as served
        from task t
        join lane l on l.id = t.lane
        join queue u on u.name = l.queue
        left join outcome o on o.id = t.id
        left join request q on q.task = t.id
        left join lateral (
          select sum(read)::bigint as read, sum(written)::bigint as written,
                 sum(skipped)::bigint as skipped, sum(rejected)::bigint as rejected,
                 (array_agg(position order by shard))[1]::text as position
            from checkpoint
           where task = t.id
          having count(*) > 0) k on true
       where t.id = ?
      """;

  private static final String REJECTS =
      """
      select number, "column", reason, raw
        from reject
       where task = ? and number > ?
       order by number, shard, generation
       limit ?
      """;

  private final Db db;
  private final StoreClock clock;
  private final TaskRows rows;

  PgTaskViews(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
    this.rows = new TaskRows(clock);
  }

  @Override
  public Page list(Set<TaskState> states, Optional<String> type, OptionalLong before, int limit) {
    int most = Math.clamp(limit, 1, PAGE_MAX);
    return db.transaction(c -> {
      long high = before.isPresent() ? before.getAsLong() : one(c, TOP, r -> r.getLong("top"));
      boolean all = states.isEmpty() && type.isEmpty();
      long low = all ? 0 : Math.max(0, high - SCAN_MAX);
      List<Long> ids =
          all
              ? Sql.query(c, NEWEST, r -> r.getLong("id"), high, most + 1)
              : matching(c, low, high, states, type, most + 1);
      boolean more = ids.size() > most;
      long[] page = ids.stream().limit(most).mapToLong(Long::longValue).toArray();
      OptionalLong next =
          more
              ? OptionalLong.of(page[page.length - 1])
              : low > 0 ? OptionalLong.of(low) : OptionalLong.empty();
      return new Page(rows.read(c, page), next);
    });
  }

  @Override
  public Optional<TaskDetail> find(long task) {
    return db.transaction(c -> {
      // one snapshot for all parts: a task must not change its home between them
      Sql.run(c, "set transaction isolation level repeatable read, read only");
      List<TaskRow> row = rows.read(c, new long[] {task});
      return row.isEmpty() ? Optional.empty() : Optional.of(detail(c, row.getFirst()));
    });
  }

  @Override
  public Map<TaskState, Long> counts() {
    return Tally.counts(db, clock);
  }

  @Override
  public List<Reject> rejects(long task, long after, int limit) {
    return db.query(
        REJECTS,
        r ->
            new Reject(
                r.getLong("number"),
                r.getString("column"),
                r.getString("reason"),
                r.getString("raw")),
        task,
        after,
        limit);
  }

  private List<Long> matching(
      Connection connection,
      long low,
      long high,
      Set<TaskState> states,
      Optional<String> type,
      int limit)
      throws SQLException {
    Set<TaskState> wanted = states.isEmpty() ? Set.of(TaskState.values()) : states;
    return Sql.query(
        connection,
        MATCHING,
        r -> r.getLong("id"),
        low,
        high,
        wanted.stream().map(TaskState::word).toArray(String[]::new),
        type,
        clock.bound(),
        limit,
        limit);
  }

  private TaskDetail detail(Connection connection, TaskRow row) throws SQLException {
    TaskHistory history = TaskHistory.read(connection, row.id());
    return one(
        connection,
        DETAIL,
        r ->
            new TaskDetail(
                row,
                r.getString("params"),
                r.getString("retry"),
                Sql.maybeText(r, "key"),
                Sql.maybeText(r, "result"),
                Sql.maybeText(r, "error"),
                ledger(r),
                Sql.maybeText(r, "position"),
                Sql.maybeText(r, "request"),
                r.getBoolean("served"),
                queuePause(r),
                history.attempts(),
                history.events(row, Sql.maybeInstant(r, "due_at"))),
        clock.bound(),
        row.id());
  }

  private static Optional<QueuePause> queuePause(ResultSet row) throws SQLException {
    Optional<String> by = Sql.maybeText(row, "paused_by");
    return by.isEmpty()
        ? Optional.empty()
        : Optional.of(new QueuePause(by.get(), Sql.instant(row, "paused_at")));
  }

  private static Optional<Ledger> ledger(ResultSet row) throws SQLException {
    long read = row.getLong("read");
    return row.wasNull()
        ? Optional.empty()
        : Optional.of(
            new Ledger(
                read, row.getLong("written"), row.getLong("skipped"), row.getLong("rejected")));
  }

  private static <T> T one(Connection connection, String sql, Sql.Row<T> row, Object... values)
      throws SQLException {
    return Sql.query(connection, sql, row, values).getFirst();
  }
}
