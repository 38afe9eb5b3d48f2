package dev.batchyard.store;

import dev.batchyard.engine.port.Expiries;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.TimeLimits;
import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/**
 * One statement a page. It locks nothing that another holds, so that it never waits: what is being
 * claimed, moved or ended this very moment is looked at again a few seconds later.
 *
 * <p>Tasks that wait for a batch are a page of their own, in a transaction of its own: the end of a
 * batch locks its row and then such a task, while the end of other tasks locks the rows of their
 * batches last.
 */
final class PgExpiries implements Expiries {

  // It waits from when it became due or last ran. A claim that was given back before its handler
  // was called (released, never started) does not count: it has waited on all the time.
  // A task is in a block, parked, leased or ended. Of a block, what is left becomes new blocks: a
  // claim that has locked the old one is not disturbed, since such a block is passed over here.
  static final String EXPIRE =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now),
      reasons as materialized (
        select *
          from (values ('queue', ?::text, ?::text), ('total', ?, ?), ('deadline', ?, ?))
               r (reason, kind, message)),
      seen as materialized (
        select task, queue_timeout, start_by, end_by, by_deadline
          from expiry
         where look_at <= (select now from clock)
           and ? = coalesce((select p.from_state = 'blocked' from parked p where p.id = task), false)
         order by look_at
         limit ?
           for update skip locked),
      waiting as materialized (
        select s.task, s.queue_timeout, s.start_by, s.end_by, s.by_deadline,
               b.bid, b.first, b.lane, b.due_at, b.kind, b.whole, b.lo, b.hi,
               b.attempt, b.failures, b.crashes, b.generation
          from seen s
         cross join lateral (
           select b.*
             from block b
            where b.first between s.task - 499 and s.task and b.lo <= s.task and b.hi >= s.task
           offset 0
              for update skip locked) b),
      aside as materialized (
        select s.by_deadline, p.*
          from seen s
         cross join lateral (
           select p.*
             from parked p
            where p.id = s.task and s.end_by <= (select now from clock)
           offset 0
              for update skip locked) p),
      judged as materialized (
        select w.*,
               case when w.due_at <= c.now  then 'ready'
                    when w.kind = 'retry'   then 'retrying'
                    else                         'scheduled' end::task_state as state,
               f.from_now,
               case when w.end_by <= c.now
                    then case when w.by_deadline then 'deadline' else 'total' end
                    when w.start_by <= c.now and f.from_now <= c.now then 'queue'
               end as reason
          from waiting w
         cross join clock c
         cross join lateral (
           select greatest(w.due_at,
                           (select max(a.ended_at)
                              from attempt_log a
                             where a.task = w.task
                               and (a.ended <> 'released' or a.started_at is not null)))
                  + w.queue_timeout as from_now) f),
      cut as materialized (
        select lane, due_at, first, bid, kind, whole, attempt, failures, crashes, generation,
               int8multirange(int8range(lo, hi, '[]')) - range_agg(int8range(task, task, '[]')) as rest
          from judged
         where reason is not null
         group by lane, due_at, first, bid, kind, whole, attempt, failures, crashes, generation,
                  lo, hi),
      deleted as (
        delete from block
         where first = any (array(select first from cut)) and bid = any (array(select bid from cut))
        returning 1),
      kept as (
        insert into block (lane, due_at, kind, whole, first, lo, hi,
                           attempt, failures, crashes, generation)
        select lane, due_at, kind, whole, lower(r), lower(r), upper(r) - 1,
               attempt, failures, crashes, generation
          from cut, unnest(rest) r),
      unparked as (
        delete from parked where id = any (array(select id from aside)) returning 1),
      failing as materialized (
        select task, lane, state, attempt, failures, crashes, generation, reason
          from judged
         where reason is not null
         union all
        select id, lane, state, attempt, failures, crashes, generation,
               case when by_deadline then 'deadline' else 'total' end
          from aside),
      ended as (
        insert into outcome (id, type, state, lane, attempt, failures, crashes, generation,
                             finished_at, error)
        select f.task, l.type, 'failed', f.lane, f.attempt, f.failures, f.crashes, f.generation, c.now,
               jsonb_build_object('kind', r.kind, 'message', r.message, 'trace', '')
          from failing f
          join lane l on l.id = f.lane
          join reasons r on r.reason = f.reason
         cross join clock c
        returning lane, state, finished_at),
      tallied as (
        insert into tally (day, lane, state, n)
        select (max(finished_at) at time zone 'UTC')::date, lane, state, count(*)
          from ended
         group by lane, state),
      told as (
        insert into event (task, at, from_state, to_state, by, why)
        select f.task, c.now, f.state, 'failed', 'limits', r.message
          from failing f
          join reasons r on r.reason = f.reason
         cross join clock c),
      over as materialized (
        select task from failing
         union
        select task from seen where (select true from outcome o where o.id = task)),
      forgotten as (
        delete from expiry where task = any (array(select task from over))),
      again as materialized (
        select s.task, n.start_by,
               greatest(case when j.task is null then c.now + interval '5 s' else c.now end,
                        coalesce(least(n.start_by, case when s.end_by > c.now then s.end_by end),
                                 c.now + interval '5 s')) as look_at
          from seen s
         cross join clock c
          left join judged j on j.task = s.task
         cross join lateral (
           select case when s.start_by > c.now then s.start_by
                       else coalesce(j.from_now, c.now + s.queue_timeout) end as start_by) n
         where s.task not in (select task from over)),
      later as (
        update expiry e
           set (start_by, look_at) = (select a.start_by, a.look_at from again a where a.task = e.task)
         where e.task = any (array(select task from again)))
      select (select count(*) from seen) as seen,
             (select array_agg(task) from failing) as failed,
             case when (select count(*) from cut) <> (select count(*) from deleted)
                    or (select count(*) from aside) <> (select count(*) from unparked)
                  then fail('BY002', 'expire: what ended is not what was taken away')
             end as fine
      """;

  private record Page(int seen, List<Long> failed) {}

  private final Db db;
  private final StoreClock clock;
  private final Settlements settlements;
  private final ForsakenParts forsaken;
  private final WakeUps wakeUps;

  PgExpiries(
      Db db, StoreClock clock, Settlements settlements, ForsakenParts forsaken, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.settlements = settlements;
    this.forsaken = forsaken;
    this.wakeUps = wakeUps;
  }

  @Override
  public int expire() {
    return Math.min(PAGE_MAX, expire(false) + expire(true));
  }

  private int expire(boolean blocked) {
    int[] released = {0};
    Page seen =
        db.transaction(c -> {
          Page page = expire(c, blocked);
          released[0] = settlements.settle(c, page.failed());
          return page;
        });
    if (released[0] > 0) {
      wakeUps.wake();
    }
    if (blocked) {
      forsaken.cancel(seen.failed(), "split");
    }
    return seen.seen();
  }

  private Page expire(Connection connection, boolean blocked) throws SQLException {
    Failure queue = TimeLimits.QUEUE_TIMEOUT;
    Failure total = TimeLimits.TOTAL_TIMEOUT;
    Failure deadline = TimeLimits.DEADLINE_PASSED;
    return Sql.query(
            connection,
            EXPIRE,
            PgExpiries::page,
            clock.bound(),
            queue.kind(),
            queue.message(),
            total.kind(),
            total.message(),
            deadline.kind(),
            deadline.message(),
            blocked,
            PAGE_MAX)
        .getFirst();
  }

  private static Page page(ResultSet row) throws SQLException {
    Array failed = row.getArray("failed");
    return new Page(
        row.getInt("seen"), failed == null ? List.of() : List.of((Long[]) failed.getArray()));
  }
}
