package dev.batchyard.store;

import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor.Found;
import dev.batchyard.engine.port.Rescues;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the doctor reads about tasks, and how it mends that. */
final class TaskScans {

  /** Rows of a page. */
  static final int ROWS = 5_000;

  private static final Duration SWEPT_AFTER = Duration.ofMinutes(15);

  /** Where a walk by task begins. */
  static final String NEWEST =
      """
      select (last_value + 1)::text from task_id
      """;

  private static final String UNRESCUED =
      """
      select 'lease ' || l.id as subject, l.id::text as key,
             'task ' || lower(l.ids) || case when upper(l.ids) - lower(l.ids) > 1 then ' and others' else '' end
             || case when n.boot is null then ': no node has boot ' || l.boot
                     when n.fenced_at is null then ': node ' || n.name || ' is silent since ' || n.beat_at
                     else ': node ' || n.name || ' was fenced at ' || n.fenced_at
                          || coalesce(', ' || n.fenced_why, '') end as detail
        from lease l
       cross join (select coalesce(?::timestamptz, clock_timestamp()) - ? * interval '1 ms' as then) c
        left join lateral (
          select n.boot, n.name, n.beat_at, n.lease_until, n.fenced_at, n.fenced_why
            from node n where n.boot = l.boot offset 0) n on true
       where not isempty(l.ids) and l.claimed_at < c.then
         and (n.boot is null or n.fenced_at < c.then or n.lease_until < c.then)
       order by l.id
      """;

  private static final String LEASED =
      """
      select 1 from lease where id = ?::bigint
      """;

  private static final String UNHEARD =
      """
      select 'task ' || r.task as subject, jsonb_build_array(r.task, r.at)::text as key,
             r.by || ' asked at ' || r.at || ' to ' || r.kind || ' it, and it does not run' as detail
        from request r
       cross join (select range_agg(ids) as ids from lease) l
       where not coalesce(l.ids @> r.task, false)
       order by r.task
      """;

  // at: a person may ask anew while this waits
  private static final String FORGET_REQUEST =
      """
      delete from request
       where task = (?::jsonb ->> 0)::bigint and at = (?::jsonb ->> 1)::timestamptz
         and not exists (select from lease where ids @> (?::jsonb ->> 0)::bigint)
      """;

  private static final String UNSWEPT =
      """
      select 'task ' || r.task as subject, r.task::text as key,
             'node ' || r.node || ' told of it last at ' || r.at as detail
        from running r
       where r.at < coalesce(?::timestamptz, clock_timestamp()) - ? * interval '1 ms'
         and not exists (select from lease l where l.id = r.lease)
       order by r.task
      """;

  private static final String SWEEP =
      """
      delete from running r
       where r.task = ?::bigint and not exists (select from lease l where l.id = r.lease)
      """;

  private static final String EXPIRY_PAGE =
      """
      select task, look_at, task::text as at, row_number() over (order by task desc) as n
        from (select task, look_at from expiry where task < ?::bigint order by task desc limit ?) e
      """;

  // of a span that retention has detached, the rows beside it are deleted a little later
  private static final String UNLIMITED =
      """
      select 'task ' || p.task as subject, jsonb_build_array(p.task, p.look_at)::text as key,
             case when o.state is null then 'there is no such task'
                  else 'it is ' || o.state end || '; its limits are looked at again at ' || p.look_at as detail
        from page p
        left join lateral (
          select o.state from outcome o where o.id = p.task offset 0) o on true
        left join lateral (
          select true as there from task t where t.id = p.task offset 0) t on true
       where (o.state is not null or t.there is null)
         and not exists (select from id_span s
                          where s.closed = 'detached' and s.lo <= p.task and s.hi > p.task)
       order by p.task desc
      """;

  // look_at: a rerun may set it anew while this waits
  private static final String FORGET_LIMITS =
      """
      delete from expiry
       where task = (?::jsonb ->> 0)::bigint and look_at = (?::jsonb ->> 1)::timestamptz
         and (exists (select from outcome where id = (?::jsonb ->> 0)::bigint)
              or not exists (select from task where id = (?::jsonb ->> 0)::bigint))
      """;

  private static final String FIRST_KEY =
      """
      select '["", ""]'
      """;

  private static final String KEY_PAGE =
      """
      select type, key, task, jsonb_build_array(type, key)::text as at,
             row_number() over (order by type, key) as n
        from (select k.type, k.key, k.task
                from (select ?::jsonb as j) f
               cross join lateral (
                 select k.type, k.key, k.task
                   from task_key k
                  where k.scope = 'live' and (k.type, k.key) > (f.j ->> 0, f.j ->> 1)
                  order by k.type, k.key
                  limit ?) k) k
      """;

  private static final String HELD_FOR_NOTHING =
      """
      select 'task ' || p.task as subject, jsonb_build_array(p.type, p.key, p.task)::text as key,
             'it holds ' || quote_literal(p.key) || ' of ' || p.type || ' and '
             || coalesce('is ' || o.state, 'there is no such task') as detail
        from page p
        left join lateral (
          select o.state from outcome o where o.id = p.task offset 0) o on true
        left join lateral (
          select true as there from task t where t.id = p.task offset 0) t on true
       where o.state is not null or t.there is null
       order by p.task
      """;

  private static final String FREE_KEY =
      """
      delete from task_key
       where scope = 'live' and type = ?::jsonb ->> 0 and key = ?::jsonb ->> 1
         and task = (?::jsonb ->> 2)::bigint
         and (exists (select from outcome where id = (?::jsonb ->> 2)::bigint)
              or not exists (select from task where id = (?::jsonb ->> 2)::bigint))
      """;

  private static final String CHECKPOINT_PAGE =
      """
      select c.*, jsonb_build_array(c.task, c.shard)::text as at,
             row_number() over (order by c.task desc, c.shard desc) as n
        from (select c.task, c.shard, c.read, c.written, c.skipped, c.rejected, c.kept
                from (select ?::jsonb as j) f
               cross join lateral (
                 select c.*
                   from checkpoint c
                  where (c.task, c.shard) < ((f.j ->> 0)::bigint, (f.j ->> 1)::integer)
                  order by c.task desc, c.shard desc
                  limit ?) c) c
      """;

  private static final String NEWEST_CHECKPOINT =
      """
      select jsonb_build_array(last_value + 1, 0)::text from task_id
      """;

  private static final String UNBALANCED =
      """
      select 'task ' || p.task as subject, p.task::text as key,
             case when t.there is null then 'there is no such task'
                  when l.number is not null
                  then format('shard %s: it has read %s, and had read %s at checkpoint %s of %s that were kept',
                              p.shard, p.read, l.read, l.number, p.kept)
                  else format('shard %s: read %s is not written %s + skipped %s + rejected %s',
                              p.shard, p.read, p.written, p.skipped, p.rejected) end as detail
        from page p
        left join lateral (
          select true as there from task t where t.id = p.task offset 0) t on true
        left join lateral (
          select l.number, l.read
            from checkpoint_log l
           where l.task = p.task and l.shard = p.shard
           order by l.number desc
           limit 1) l on l.read > p.read or l.number > p.kept
       where (t.there is null or l.number is not null or p.read <> p.written + p.skipped + p.rejected)
         and not exists (select from id_span s
                          where s.closed = 'detached' and s.lo <= p.task and s.hi > p.task)
       order by p.task desc
      """;

  private static final String FORGET_CHECKPOINT =
      """
      with passed as (
        delete from checkpoint_log
         where task = ?::bigint and not exists (select from task where id = ?::bigint))
      delete from checkpoint
       where task = ?::bigint and not exists (select from task where id = ?::bigint)
      """;

  private static final String TASK_PAGE =
      """
      select id, retry, id::text as at, row_number() over (order by id desc) as n
        from (select id, retry from task where id < ?::bigint order by id desc limit ?) t
      """;

  private static final String WITHOUT_POLICY =
      """
      select 'task ' || p.id as subject, p.id::text as key,
             'its retry policy is ' || quote_literal(p.retry) as detail
        from page p
       where p.retry <> all (array(select name from retry_policy))
         and not exists (select from outcome o where o.id = p.id)
       order by p.id desc
      """;

  private static final String ONE_DOCTOR =
      """
      select pg_advisory_xact_lock(hashtext('batchyard doctor'), 1)
      """;

  // it keeps its checkpoint and the numbers of its attempts
  private static final String PUT_BACK =
      """
      with lost as materialized (
        select t.id, t.lane, coalesce(t.due_at, t.submitted_at) as due_at, a.attempt, a.generation
          from task t
         cross join lateral (
           select greatest(max(a.attempt),
                           (select max(k.attempt) from checkpoint k where k.task = t.id),
                           (select max(l.attempt) from log_line l where l.task = t.id),
                           0) as attempt,
                  coalesce(max(a.generation + a.final::integer), 1)::smallint as generation
             from attempt_log a where a.task = t.id) a
         where t.id = ?::bigint
           and not exists (select from outcome o where o.id = t.id)
           and not exists (select from parked p where p.id = t.id)
           and not exists (select from lease l where l.ids @> t.id)
           and not exists (select from block b
                            where b.first between t.id - 499 and t.id and b.lo <= t.id and b.hi >= t.id)
           and not exists (select from batch b where b.then_task = t.id and b.ended_at is null)
           and not exists (select from step s where s.undo_task = t.id)),
      told as (
        insert into log_line (task, attempt, at, level, text)
        select id, attempt, coalesce(?::timestamptz, clock_timestamp()), 'warn',
               'it was in no home; the doctor put it back in its line'
          from lost)
      insert into block (lane, due_at, first, lo, hi, attempt, generation)
      select lane, due_at, id, id, id, attempt, generation from lost
      """;

  private static final String UNPARK =
      """
      delete from parked where id = ?::bigint and exists (select from outcome where id = ?::bigint)
      """;

  private final Db db;
  private final StoreClock clock;
  private final Rescues rescues;
  private final Duration unrescued;

  /**
   * Over a store.
   *
   * @param unrescued how long a lease of a node that is no more is nothing to tell of
   */
  TaskScans(Db db, StoreClock clock, Rescues rescues, Duration unrescued) {
    this.db = db;
    this.clock = clock;
    this.rescues = rescues;
    this.unrescued = unrescued;
  }

  Map<Check, Scan> all() {
    return Map.of(
        Check.HOMES,
        new Scan(new HomesPages(), true, this::rehome),
        Check.LEASES,
        new Scan(
            Scan.glance(
                UNRESCUED, () -> new @Nullable Object[] {clock.bound(), unrescued.toMillis()}),
            false,
            this::rescue),
        Check.REQUESTS,
        new Scan(
            Scan.glance(UNHEARD, () -> new Object[0]), false, f -> mends(FORGET_REQUEST, f, 3)),
        Check.RUNNING,
        new Scan(
            Scan.glance(
                UNSWEPT, () -> new @Nullable Object[] {clock.bound(), SWEPT_AFTER.toMillis()}),
            false,
            f -> mends(SWEEP, f, 1)),
        Check.LIMITS,
        new Scan(
            Scan.walk(NEWEST, ROWS, EXPIRY_PAGE, UNLIMITED), true, f -> mends(FORGET_LIMITS, f, 4)),
        Check.LIVE_KEYS,
        new Scan(
            Scan.walk(FIRST_KEY, ROWS, KEY_PAGE, HELD_FOR_NOTHING),
            true,
            f -> mends(FREE_KEY, f, 5)),
        Check.CHECKPOINTS,
        new Scan(
            Scan.walk(NEWEST_CHECKPOINT, ROWS, CHECKPOINT_PAGE, UNBALANCED),
            true,
            f -> mends(FORGET_CHECKPOINT, f, 4)),
        Check.RETRY_POLICIES,
        new Scan(Scan.walk(NEWEST, ROWS, TASK_PAGE, WITHOUT_POLICY), true, _ -> false));
  }

  /** Runs a statement whose values are all the key of what was found. */
  private boolean mends(String sql, Found found, int values) {
    return db.update(sql, Collections.nCopies(values, found.key()).toArray()) > 0;
  }

  private boolean rehome(Found found) {
    return db.transaction(c -> {
      Sql.run(c, ONE_DOCTOR); // two at once would put it back twice
      return Sql.update(c, PUT_BACK, found.key(), clock.bound()) == 1
          || Sql.update(c, UNPARK, found.key(), found.key()) == 1;
    });
  }

  private boolean rescue(Found found) {
    int _ = rescues.rescue();
    return db.query(LEASED, r -> true, found.key()).isEmpty();
  }
}
