package dev.batchyard.store;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.task.Decisions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Puts the tasks of leases back where they came from. Runs inside a transaction that has locked the
 * leases. What a person asked of a running task is carried out at once: a request that was
 * acknowledged is never lost with the attempt.
 */
final class LeaseReturns {

  // What nobody held was never started, as far as can be told; but what is paused or cancelled
  // instead of going back ran, as the event of it says, and ended so.
  // Nobody knows when a node died: a lost attempt ended with its last beat, as far as can be told.
  private static final String LOG =
      """
      insert into attempt_log (task, attempt, generation, node, started_at, ended_at, ended)
      select g.task, l.attempt, l.generation, n.name,
             case when a.ended = 'lost' or q.kind is not null
                  then coalesce(r.started_at, l.claimed_at)
                  else r.started_at end,
             case when a.ended = 'lost'
                  then least(c.now, greatest(n.beat_at, coalesce(r.started_at, l.claimed_at)))
                  else c.now end,
             case when a.ended = 'lost' or q.kind is null then a.ended
                  when q.kind = 'pause' then 'paused'
                  else 'cancelled' end
        from lease l
       cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c
       cross join (select ?::text as ended) a
       cross join unnest(l.ids) s (ids)
       cross join generate_series(lower(s.ids), upper(s.ids) - 1) g (task)
        left join node n on n.boot = l.boot
        left join lateral (
          select r.started_at from running r where r.task = g.task and r.lease = l.id offset 0) r
          on true
        left join lateral (select q.kind from request q where q.task = g.task offset 0) q on true
       where l.id = any (?)
      """;

  private static final String CANCEL =
      """
      with asked as materialized (
        select q.task, q.by, t.type, n.name, l.*, coalesce(?::timestamptz, clock_timestamp()) as now
          from lease l
          join request q on l.ids @> q.task
          join lane t on t.id = l.lane
          left join node n on n.boot = l.boot
         where l.id = any (?) and q.kind = 'cancel'),
      ended as (
        insert into outcome (id, type, state, lane, attempt, failures, crashes, generation, node,
                             started_at, finished_at)
        select task, type, 'cancelled', lane, attempt, failures, crashes, generation, name,
               claimed_at, now
          from asked
        returning lane, state, finished_at),
      tallied as (
        insert into tally (day, lane, state, n)
        select (max(finished_at) at time zone 'UTC')::date, lane, state, count(*)
          from ended
         group by lane, state)
      insert into event (task, at, from_state, to_state, by, why)
      select task, now, 'running', 'cancelled', by,
             'cancelled; node ' || coalesce(name, '?') || ' no longer has it'
        from asked
      returning task
      """;

  private static final String PAUSE =
      """
      with asked as materialized (
        select q.task, q.by, n.name, l.*, coalesce(?::timestamptz, clock_timestamp()) as now
          from lease l
          join request q on l.ids @> q.task
          left join node n on n.boot = l.boot
         where l.id = any (?) and q.kind = 'pause'),
      set_aside as (
        insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes,
                            generation, by, at)
        select task, 'paused', 'ready', 'new', lane, due_at, attempt, failures, crashes,
               generation, by, now
          from asked)
      insert into event (task, at, from_state, to_state, by, why)
      select task, now, 'running', 'paused', by,
             'paused; node ' || coalesce(name, '?') || ' no longer has it'
        from asked
      """;

  private static final String OBEYED =
      """
      with obeyed as (
        delete from request q using lease l
         where l.id = any (?) and l.ids @> q.task
        returning l.id as lease, q.task)
      update lease l set ids = l.ids - o.ids
        from (select lease, range_agg(int8range(task, task, '[]')) as ids
                from obeyed group by lease) o
       where l.id = o.lease
      """;

  // Died alone: charged unless it had moved its checkpoint under this very lease.
  private static final String ALONE =
      """
      with gone as materialized (
        select lower(l.ids) as task, t.type, n.name, l.*,
               case when (select true
                            from checkpoint c
                           where c.task = lower(l.ids) and c.lease = l.id
                           limit 1)
                    then 0 else l.crashes + 1 end as died,
               coalesce(?::timestamptz, clock_timestamp()) as now,
               'node ' || coalesce(n.name, '?') || ' was lost: '
                 || coalesce(n.fenced_why, 'it is unknown') as why
          from lease l
          join lane t on t.id = l.lane
          left join node n on n.boot = l.boot
         where l.id = any (?) and not isempty(l.ids)),
      quarantined as (
        insert into outcome (id, type, state, lane, attempt, failures, crashes, generation, node,
                             started_at, finished_at, error)
        select task, type, 'quarantined', lane, attempt, failures, died, generation, name,
               claimed_at, now,
               jsonb_build_object('kind', 'Quarantined', 'trace', '', 'message',
                 'its node died ' || died || ' times while this task ran alone; last: ' || why)
          from gone
         where died >= ?
        returning lane, state, finished_at),
      tallied as (
        insert into tally (day, lane, state, n)
        select (max(finished_at) at time zone 'UTC')::date, lane, state, count(*)
          from quarantined
         group by lane, state),
      back as (
        insert into block (lane, due_at, kind, whole, first, lo, hi,
                           attempt, failures, crashes, generation)
        select lane, due_at, 'new', died > 0, task, task, task, attempt, failures, died, generation
          from gone
         where died < ?)
      insert into event (task, at, from_state, to_state, by, why)
      select task, now, 'running',
             case when died >= ? then 'quarantined' else 'ready' end::task_state, 'rescue', why
        from gone
      returning task, to_state = 'quarantined' as ended
      """;

  // One range goes back in halves. Several ranges go back one by one: what lies between them has
  // ended, and single ids are mostly those that were running.
  private static final String HALVES =
      """
      insert into block (lane, due_at, kind, whole, first, lo, hi,
                         attempt, failures, crashes, generation)
      select l.lane, l.due_at, 'new', true, h.lo, h.lo, h.hi,
             l.attempt, l.failures, l.crashes, l.generation
        from lease l
       cross join lateral (
         select lower(s) as lo, upper(s) - 1 as hi, count(*) over () = 1 as single
           from unnest(l.ids) s) r
       cross join lateral (
         select r.lo, case when r.single then (r.lo + r.hi) / 2 else r.hi end
          union all
         select (r.lo + r.hi) / 2 + 1, r.hi where r.single and r.lo < r.hi) h (lo, hi)
       where l.id = any (?)
      """;

  private static final String READY_EVENTS =
      """
      insert into event (task, at, from_state, to_state, by, why)
      select g.task, coalesce(?::timestamptz, clock_timestamp()), 'running', 'ready', 'rescue',
             'node ' || coalesce(n.name, '?') || ' was lost: '
               || coalesce(n.fenced_why, 'it is unknown')
        from lease l
       cross join unnest(l.ids) s (ids)
       cross join generate_series(lower(s.ids), upper(s.ids) - 1) g (task)
        left join node n on n.boot = l.boot
       where l.id = any (?)
      """;

  private static final String AS_THEY_WERE =
      """
      insert into block (lane, due_at, kind, whole, first, lo, hi,
                         attempt, failures, crashes, generation)
      select l.lane, l.due_at, 'new', l.whole, lower(s.ids), lower(s.ids), upper(s.ids) - 1,
             l.attempt, l.failures, l.crashes, l.generation
        from lease l
       cross join unnest(l.ids) s (ids)
       where l.id = any (?)
      """;

  private static final String DELETE_RUNNING =
      """
      delete from running where lease = any (?)
      """;

  private static final String DELETE =
      """
      delete from lease where id = any (?)
      """;

  private final StoreClock clock;
  private final Settlements settlements;

  LeaseReturns(StoreClock clock, Settlements settlements) {
    this.clock = clock;
    this.settlements = settlements;
  }

  /** Puts leases back that nobody holds, uncharged; returns how many tasks. */
  int uncharged(Connection connection, List<Long> leases) throws SQLException {
    long[] ids = array(leases);
    List<Long> ended = new ArrayList<>();
    int tasks = begin(connection, ids, "released", ended);
    Sql.run(connection, AS_THEY_WERE, ids);
    Sql.run(connection, DELETE, ids);
    settle(connection, ended);
    return tasks;
  }

  /**
   * Puts leases back whose node is gone; returns how many tasks.
   *
   * @param alone leases that held one task
   * @param many leases that held more
   */
  int lost(Connection connection, List<Long> alone, List<Long> many) throws SQLException {
    long[] one = array(alone);
    long[] several = array(many);
    List<Long> ended = new ArrayList<>();
    int tasks = begin(connection, one, "lost", ended) + begin(connection, several, "lost", ended);
    CrashPoint.ATTEMPTS_LOGGED.pass();
    int max = Decisions.CRASHES_MAX;
    ended.addAll(
        Sql.query(connection, ALONE, LeaseReturns::ended, clock.bound(), one, max, max, max)
            .stream()
            .flatMap(Optional::stream)
            .toList());
    Sql.run(connection, HALVES, several);
    Sql.run(connection, READY_EVENTS, clock.bound(), several);
    Sql.run(connection, DELETE, one);
    Sql.run(connection, DELETE, several);
    settle(connection, ended);
    return tasks;
  }

  /** Ends the attempts and carries out requests; what is left in the leases goes back. */
  private int begin(Connection connection, long[] ids, String how, List<Long> ended)
      throws SQLException {
    if (ids.length == 0) {
      return 0;
    }
    int tasks = Sql.update(connection, LOG, clock.bound(), how, ids);
    ended.addAll(Sql.query(connection, CANCEL, r -> r.getLong("task"), clock.bound(), ids));
    Sql.run(connection, PAUSE, clock.bound(), ids);
    Sql.run(connection, OBEYED, ids);
    Sql.run(connection, DELETE_RUNNING, ids);
    return tasks;
  }

  private static Optional<Long> ended(ResultSet row) throws SQLException {
    return row.getBoolean("ended") ? Optional.of(row.getLong("task")) : Optional.empty();
  }

  /** The callers wake nodes anyway: they have put tasks back. */
  private void settle(Connection connection, List<Long> ended) throws SQLException {
    int _ = settlements.settle(connection, ended);
  }

  private static long[] array(List<Long> ids) {
    return ids.stream().mapToLong(Long::longValue).toArray();
  }
}
