package dev.batchyard.store;

import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor.Found;
import java.util.Map;

/** What the doctor reads about batches and the tasks that wait for them, and how it mends that. */
final class BatchScans {

  private static final int BATCHES = 200;

  /** Of the members of so many batches at most a page counts the outcomes. */
  private static final int MEMBERS_MAX = 20_000;

  private static final String PARKED_PAGE =
      """
      select id, from_state, id::text as at, row_number() over (order by id desc) as n
        from (select id, from_state from parked where id < ?::bigint order by id desc limit ?) p
      """;

  private static final String RELEASABLE =
      """
      select 'task ' || p.id as subject, p.id::text as key,
             case when b.id is null then 'no batch has it as its then task'
                  else 'batch ' || b.id || ' ended at ' || b.ended_at end as detail
        from page p
        left join lateral (
          select b.id, b.ended_at
            from batch b where b.then_task = p.id order by b.id desc limit 1) b on true
       where p.from_state = 'blocked' and (b.id is null or b.ended_at is not null)
         and not exists (select from step s where s.undo_task = p.id)
         and not exists (select from batch s
                          where s.id = (select t.batch from task t where t.id = p.id) and s.in_turn)
       order by p.id desc
      """;

  // as end_batch() would have
  private static final String RELEASE =
      """
      with ended as materialized (
        select id from batch
         where id = (select max(id) from batch where then_task = ?) and ended_at is not null
           for update),
      clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now),
      stays as (
        update parked set from_state = 'ready', due_at = (select now from clock)
         where id = ? and state = 'paused' and from_state = 'blocked' and exists (select from ended)
        returning id),
      gone as (
        delete from parked where id = ? and state = 'blocked' and exists (select from ended)
        returning *),
      back as (
        insert into block (lane, due_at, kind, first, lo, hi, attempt, failures, crashes, generation)
        select g.lane, c.now, g.kind, g.id, g.id, g.id, g.attempt, g.failures, g.crashes, g.generation
          from gone g cross join clock c),
      told as (
        insert into event (task, at, from_state, to_state, by, why)
        select g.id, c.now, 'blocked', 'ready', 'doctor', 'batch ' || e.id || ' has ended'
          from gone g cross join clock c cross join ended e)
      select (select count(*) from gone) + (select count(*) from stays)
      """;

  private static final String NEWEST_BATCH =
      """
      select (coalesce(max(id), 0) + 1)::text from batch
      """;

  // the members of those with more than a page may count are not counted
  private static final String BATCH_PAGE =
      """
      select b.*, b.id::text as at, row_number() over (order by b.id desc) as n
        from (select b.*, sum(case when b.total <= %1$d then b.total else 0 end) over (order by b.id desc) as upto
                from (select id, opened_at, sealed_at, ended_at, total, completed, failed, cancelled
                        from batch where id < ?::bigint order by id desc limit ?) b) b
       where b.upto <= %1$d
      """
          .formatted(MEMBERS_MAX);

  private static final String COUNTED =
      """
      select count(*) as total,
             count(*) filter (where o.state = 'completed') as completed,
             count(*) filter (where o.state in ('failed', 'quarantined')) as failed,
             count(*) filter (where o.state in ('cancelled', 'skipped')) as cancelled
        from (select t.id from task t where t.batch = %s) t
        left join lateral (
          select o.state from outcome o where o.id = t.id offset 0) o on true
      """;

  /** All members of a batch that was opened after this must be there still. */
  private static final String KEPT =
      """
      select case when lo > 0 then coalesce(entered_at, '-infinity') else '-infinity' end as at
        from id_span
       where closed is distinct from 'detached'
       order by lo
       limit 1
      """;

  private static final String MISCOUNTED =
      """
      select 'batch ' || p.id as subject, p.id::text as key,
             case when p.total > %3$d
                       or (p.total, p.completed, p.failed, p.cancelled)
                          = (m.total, m.completed, m.failed, m.cancelled)
                  then 'all its members have ended and it has not'
                  else format('it counts %%s members, %%s completed, %%s failed, %%s cancelled; there are %%s, %%s, %%s, %%s',
                              p.total, p.completed, p.failed, p.cancelled,
                              m.total, m.completed, m.failed, m.cancelled) end as detail
        from page p
       cross join (
      %1$s) k
       cross join lateral (
      %2$s) m
       where (p.total > %3$d or m.total = p.total or p.opened_at > k.at)
         and ((p.total <= %3$d
               and (p.total, p.completed, p.failed, p.cancelled)
                   <> (m.total, m.completed, m.failed, m.cancelled))
              or (p.sealed_at is not null and p.ended_at is null
                  and p.completed + p.failed + p.cancelled = p.total))
       order by p.id desc
      """
          .formatted(
              KEPT,
              COUNTED.formatted("case when p.total <= %d then p.id end".formatted(MEMBERS_MAX)),
              MEMBERS_MAX);

  private static final String LOCK_BATCH =
      """
      select id from batch where id = ?::bigint for update
      """;

  // whoever has stored an outcome and waits for the row adds to what is counted here
  private static final String RECOUNT =
      """
      update batch b
         set (total, completed, failed, cancelled) = (
      %s)
       where b.id = ?::bigint
      """
          .formatted(COUNTED.formatted("b.id"));

  private static final String END_BATCH =
      """
      select end_batch(?::bigint, coalesce(?::timestamptz, clock_timestamp()))
      """;

  private final Db db;
  private final StoreClock clock;
  private final WakeUps wakeUps;

  BatchScans(Db db, StoreClock clock, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.wakeUps = wakeUps;
  }

  Map<Check, Scan> all() {
    return Map.of(
        Check.THEN_TASKS,
        new Scan(
            Scan.walk(TaskScans.NEWEST, TaskScans.ROWS, PARKED_PAGE, RELEASABLE),
            true,
            this::release),
        Check.BATCHES,
        new Scan(Scan.walk(NEWEST_BATCH, BATCHES, BATCH_PAGE, MISCOUNTED), true, this::recount));
  }

  private boolean release(Found found) {
    long task = Long.parseLong(found.key());
    boolean released =
        db.query(RELEASE, r -> r.getInt(1), task, clock.bound(), task, task).getFirst() == 1;
    if (released) {
      wakeUps.wake();
    }
    return released;
  }

  private boolean recount(Found found) {
    boolean there =
        db.transaction(c -> {
          boolean locked = Sql.first(c, LOCK_BATCH, r -> true, found.key()).isPresent();
          if (locked) {
            Sql.run(c, RECOUNT, found.key());
            Sql.run(c, END_BATCH, found.key(), clock.bound());
          }
          return locked;
        });
    if (there) {
      wakeUps.wake();
    }
    return there;
  }
}
