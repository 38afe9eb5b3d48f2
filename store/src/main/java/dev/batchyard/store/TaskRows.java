package dev.batchyard.store;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** The rows of given tasks, all read in one statement: in one snapshot each has one home. */
final class TaskRows {

  // Leases are walked once for the whole page; everything else is looked up by id. What is done
  // comes from the checkpoint if it says how far it is, so that share and items are of one commit
  // and stay when no attempt runs; else both come from what the attempt told last. The pace of a
  // node that is no more, or silent for half a lease (five beats), is nobody's pace any more.
  private static final String ROWS =
      """
      with page as materialized (
        select id from unnest(?::bigint[]) g (id)),
      leased as materialized (
        select g.id, l.id as lease, l.boot, l.due_at, l.attempt, l.failures, l.crashes, l.generation,
               l.claimed_at
          from (select range_agg(int8range(id, id, '[]')) as ids from page) p
          join lease l on l.ids && p.ids
         cross join unnest(l.ids * p.ids) s (ids)
         cross join generate_series(lower(s.ids), upper(s.ids) - 1) g (id))
      select t.id, n.type, t.label, n.queue, n.priority, t.submitted_at,
             case
               when o.id is not null     then o.state
               when l.id is not null     then 'running'
               when p.id is not null     then p.state
               when b.due_at <= c.now    then 'ready'
               when b.kind = 'retry'     then 'retrying'
               when b.kind is not null   then 'scheduled'
             end as state,
             coalesce(o.attempt,    l.attempt,    p.attempt,    b.attempt)    as attempt,
             coalesce(o.failures,   l.failures,   p.failures,   b.failures)   as failures,
             coalesce(o.crashes,    l.crashes,    p.crashes,    b.crashes)    as crashes,
             coalesce(o.generation, l.generation, p.generation, b.generation) as generation,
             coalesce(l.due_at, p.due_at, b.due_at, t.due_at, t.submitted_at) as due_at,
             coalesce(o.started_at, r.started_at, l.claimed_at, a.started_at) as started_at,
             o.finished_at,
             coalesce(o.node, r.node, m.name, a.node) as node,
             case when k.fraction is null then coalesce(r.items, k.read, 0) else k.read end as items,
             case when o.state = 'completed' then 1
                  else coalesce(k.fraction, r.fraction, -1) end as fraction,
             case when f.fresh then r.rate else 0 end as rate,
             case when f.fresh then r.remaining_ms end as remaining_ms,
             coalesce(o.error ->> 'message', a.problem, '') as problem
        from page g
       cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c
        join task t on t.id = g.id
        join lane n on n.id = t.lane
        left join outcome o on o.id = g.id
        left join leased l on l.id = g.id
        left join parked p on p.id = g.id
        left join lateral (
          select b.due_at, b.kind, b.attempt, b.failures, b.crashes, b.generation
            from block b
           where o.id is null
             and b.first between g.id - 499 and g.id and b.lo <= g.id and b.hi >= g.id
           order by b.first desc
           limit 1) b on true
        left join node m on m.boot = l.boot
        left join running r on r.task = g.id and r.lease = l.lease
       cross join lateral (
          select coalesce(m.fenced_at is null and m.lease_until >= c.now
                            and r.at >= c.now - (m.lease_until - m.beat_at) / 2, false) as fresh) f
        left join lateral (
      """
          + CheckpointSums.SUMS
          + """
              s.task = g.id) k on true
            left join lateral (
              select a.started_at, a.node,
                     case when a.ended = 'failed' then a.error ->> 'message' end as problem
                from attempt_log a
               where o.id is null and a.task = g.id
               order by a.id desc
               limit 1) a on true
           order by g.id desc
          """;

  private final StoreClock clock;

  TaskRows(StoreClock clock) {
    this.clock = clock;
  }

  /** {@return the rows of these tasks, the highest id first} */
  List<TaskRow> read(Connection connection, long[] ids) throws SQLException {
    return ids.length == 0
        ? List.of()
        : Sql.query(connection, ROWS, TaskRows::row, ids, clock.bound());
  }

  static TaskState state(String word) {
    return TaskState.valueOf(word.toUpperCase(Locale.ROOT));
  }

  private static TaskRow row(ResultSet row) throws SQLException {
    long remainingMs = row.getLong("remaining_ms");
    OptionalLong remaining = row.wasNull() ? OptionalLong.empty() : OptionalLong.of(remainingMs);
    return new TaskRow(
        row.getLong("id"),
        row.getString("type"),
        row.getString("label"),
        state(row.getString("state")),
        row.getString("queue"),
        row.getInt("priority"),
        PgClaims.counters(row),
        Sql.instant(row, "submitted_at"),
        Sql.instant(row, "due_at"),
        Sql.maybeInstant(row, "started_at"),
        Sql.maybeInstant(row, "finished_at"),
        Sql.maybeText(row, "node"),
        row.getLong("items"),
        row.getDouble("fraction"),
        row.getDouble("rate"),
        remaining,
        row.getString("problem"));
  }
}
