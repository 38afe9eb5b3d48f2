package dev.batchyard.store;

import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor.Found;
import java.util.Map;

/** What the doctor reads about steps that are to be undone, and how it lets that go on. */
final class StepScans {

  private static final String NEWEST =
      """
      select jsonb_build_array(last_value + 1, 0, '')::text from task_id
      """;

  private static final String PAGE =
      """
      select s.*, jsonb_build_array(s.task, s.round, s.name)::text as at,
             row_number() over (order by s.task desc, s.round desc, s.name desc) as n
        from (select s.task, s.round, s.number, s.name, s.undo_type, s.undo_task, s.undone_at
                from (select ?::jsonb as j) f
               cross join lateral (
                 select s.*
                   from step s
                  where (s.task, s.round, s.name)
                          < ((f.j ->> 0)::bigint, (f.j ->> 1)::smallint, f.j ->> 2)
                  order by s.task desc, s.round desc, s.name desc
                  limit ?) s) s
      """;

  // of each round one step counts: the one whose turn it is, or the first when all are undone
  private static final String STANDING_STILL =
      """
      select 'task ' || p.task as subject,
             jsonb_build_array(p.task, p.round, w.cure)::text as key, w.detail
        from page p
       cross join lateral (
         select count(*) filter (where n.undone_at is null) as open,
                count(*) filter (where n.undone_at is null and n.number > p.number) as later,
                count(*) filter (where n.number < p.number) as earlier
           from step n
          where n.task = p.task and n.round = p.round and n.undo_type is not null offset 0) n
        left join lateral (
          select c.state from compensation c
           where c.task = p.task and c.round = p.round offset 0) c on true
        left join lateral (
          select o.state from outcome o where o.id = p.task offset 0) o on true
        left join lateral (
          select true as there from task u where u.id = p.undo_task offset 0) u on true
        left join lateral (
          select e.state from outcome e where e.id = p.undo_task offset 0) e on true
        left join lateral (
          select k.from_state from parked k where k.id = p.undo_task offset 0) k on true
       cross join lateral (
         select case
                  when p.undone_at is not null then
                    case when c.state <> 'undone' then 'next' end
                  when p.undo_task is null and c.state is null then
                    case when o.state in ('failed', 'cancelled', 'quarantined') then 'steps' end
                  when p.undo_task is null or c.state is null or u.there is null then 'none'
                  when e.state = 'completed' then 'next'
                  when e.state is not null then
                    case when c.state <> 'needs_person' then 'next' end
                  when k.from_state = 'blocked' or c.state <> 'undoing' then 'next'
                  when k.from_state is null
                       and not exists (select from lease l where l.ids @> p.undo_task)
                       and not exists (select from block b
                                        where b.first between p.undo_task - 499 and p.undo_task
                                          and b.lo <= p.undo_task and b.hi >= p.undo_task)
                    then 'home' end as cure) how
       cross join lateral (
         select how.cure,
                case
                  when p.undone_at is not null then
                    'all its steps are undone, and it counts as ' || c.state
                  when how.cure = 'steps' then
                    format('it is %s, and nothing undoes its step %L', o.state, p.name)
                  when p.undo_task is null then
                    format('it is %s, and its step %L has no undo task', c.state, p.name)
                  when c.state is null or u.there is null then
                    format('task %s is to undo its step %L, and there is no such %s',
                           p.undo_task, p.name,
                           case when u.there is null then 'task' else 'compensation' end)
                  else format('task %s is to undo its step %L and is %s, and the compensation is %s',
                              p.undo_task, p.name,
                              coalesce(e.state::text, k.from_state::text,
                                       case how.cure when 'home' then 'in no home' else 'live' end),
                              c.state) end as detail) w
       where p.undo_type is not null and how.cure is not null
         and case when p.undone_at is null then n.later = 0 else n.open = 0 and n.earlier = 0 end
         and not exists (select from id_span s
                          where s.closed = 'detached' and s.lo <= p.task and s.hi > p.task)
       order by p.task desc
      """;

  // as the end of an undo task would have
  private static final String GO_ON =
      """
      with held as materialized (
        select task, round from compensation
         where task = (?::jsonb ->> 0)::bigint and round = (?::jsonb ->> 1)::smallint
           and ?::jsonb ->> 2 = 'next'
           for update)
      select undo_next(task, round, coalesce(?::timestamptz, clock_timestamp())) from held
      """;

  // as the end of the task should have; a rerun waits for the row, and is refused then
  private static final String UNDO =
      """
      with held as materialized (
        select id from outcome
         where id = (?::jsonb ->> 0)::bigint and ?::jsonb ->> 2 = 'steps'
           and state in ('failed', 'cancelled', 'quarantined')
           for update)
      select undo_steps(id, ?::timestamptz) from held
      """;

  private final Db db;
  private final StoreClock clock;
  private final WakeUps wakeUps;

  StepScans(Db db, StoreClock clock, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.wakeUps = wakeUps;
  }

  Map<Check, Scan> all() {
    return Map.of(
        Check.COMPENSATIONS,
        new Scan(Scan.walk(NEWEST, TaskScans.ROWS, PAGE, STANDING_STILL), true, this::goOn));
  }

  private boolean goOn(Found found) {
    String key = found.key();
    boolean moved =
        !db.query(GO_ON, r -> true, key, key, key, clock.bound()).isEmpty()
            || !db.query(UNDO, r -> true, key, key, clock.bound()).isEmpty();
    if (moved) {
      wakeUps.wake();
    }
    return moved;
  }
}
