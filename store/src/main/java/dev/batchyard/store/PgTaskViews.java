package dev.batchyard.store;

import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.TaskViews;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Finds the ids of a page first, then reads their rows. */
final class PgTaskViews implements TaskViews {

  // for all statements of one answer: a task must not change its home between them
  private static final String ONE_SNAPSHOT =
      """
      set transaction isolation level repeatable read, read only
      """;

  private static final String DETAIL =
      """
      select
      """
          + LimitsJson.COLUMNS
          + """
          t.params, t.retry, t.key, t.live_key, t.period_key,
                 (extract(epoch from t.period) * 1000)::bigint as period_ms, t.batch, t.flags,
                 t.due_at, o.result, o.error, l.pools <> '{}' as pooled,
                 (select text from requirement where id = l.requirement) as requires,
                 q.kind as request, k.read, k.written, k.skipped, k.rejected, k.position
            from task t
            join lane l on l.id = t.lane
            left join outcome o on o.id = t.id
            left join request q on q.task = t.id
            left join lateral (
              select first, first + total as after
                from batch
               where then_task = t.id and kind = 'split'
               order by id desc
               limit 1) b on true
            left join lateral (
              select sum(read)::bigint as read, sum(written)::bigint as written,
                     sum(skipped)::bigint as skipped, sum(rejected)::bigint as rejected,
                     (array_agg(position order by shard) filter (where task = t.id))[1]::text as position
                from (select * from checkpoint where task = t.id
                      union all
                      select * from checkpoint where task >= b.first and task < b.after) own
              having count(*) > 0) k on true
           where t.id = ?
          """;

  private static final String POOLS =
      """
      select a.name, a.units
        from (select lane from task where id = ? offset 0) t
        join lane l on l.id = t.lane
       cross join unnest(l.pools, l.units) a (name, units)
       order by a.name
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
  public Page list(Filter filter, OptionalLong before, int limit) {
    int most = Math.clamp(limit, 1, PAGE_MAX);
    return db.transaction(c -> {
      Sql.run(c, ONE_SNAPSHOT);
      TaskPages.Ids page = TaskPages.find(c, clock, filter, before.orElse(Long.MAX_VALUE), most);
      long[] ids = page.ids().stream().mapToLong(Long::longValue).toArray();
      return new Page(rows.read(c, ids), page.next());
    });
  }

  @Override
  public Optional<TaskDetail> find(long task) {
    return db.transaction(c -> {
      Sql.run(c, ONE_SNAPSHOT);
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
                keys(r),
                LimitsJson.read(r),
                Requirement.parse(r.getString("requires")),
                Sql.maybeLong(r, "batch"),
                PgBatches.before(connection, row.id()),
                Sql.maybeText(r, "result"),
                Sql.maybeText(r, "error"),
                ledger(r),
                Sql.maybeText(r, "position"),
                Sql.maybeText(r, "request"),
                r.getBoolean("pooled") ? pools(connection, row.id()) : List.of(),
                history.attempts(),
                history.events(row, begun(r))),
        row.id());
  }

  private List<PoolUse> pools(Connection connection, long task) throws SQLException {
    return Sql.query(
        connection, POOLS, r -> new PoolUse(r.getString("name"), r.getInt("units")), task);
  }

  /** {@return the state that it was submitted in} */
  private static TaskState begun(ResultSet row) throws SQLException {
    return (row.getInt("flags") & Claim.THEN) != 0
        ? TaskState.BLOCKED
        : Sql.maybeInstant(row, "due_at").isPresent() ? TaskState.SCHEDULED : TaskState.READY;
  }

  private static TaskKeys keys(ResultSet row) throws SQLException {
    Optional<String> key = Sql.maybeText(row, "period_key");
    long periodMs = row.getLong("period_ms");
    return new TaskKeys(
        Sql.maybeText(row, "key"),
        Sql.maybeText(row, "live_key"),
        key.map(k -> new TaskKeys.Within(k, Duration.ofMillis(periodMs))));
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
