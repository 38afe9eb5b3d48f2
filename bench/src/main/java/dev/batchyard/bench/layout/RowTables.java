package dev.batchyard.bench.layout;

/**
 * Tables and statements of layouts with a row for each task. Vacuum and room in pages are set for
 * them as in the product's own hot tables. Exactly one index can give the order of a claim.
 */
final class RowTables {

  private static final String COLUMNS =
      """
        id bigint not null,
        type text not null,
        label text not null,
        params jsonb not null,
        retry text not null,
        key text,
        due_at timestamptz not null,
        submitted_at timestamptz not null,
        state task_state not null,
        attempt integer not null default 0,
        failures smallint not null default 0,
        crashes smallint not null default 0,
        generation smallint not null default 1,
        token uuid,
        boot uuid,
        claimed_at timestamptz,
        node text,
        started_at timestamptz,
        finished_at timestamptz,
        result jsonb,
        error jsonb,
        primary key (id)
      """;

  private static final String LIVE =
      """
      create sequence layout_id cache 1;
      create table layout (
      """
          + COLUMNS
          + """
          )
          with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,
                autovacuum_vacuum_threshold = 5000, vacuum_truncate = false);
          create index layout_waiting on layout (type, due_at, id) where state = 'ready';
          create index layout_running on layout (boot) where state = 'running';
          create unique index layout_key on layout (type, key) where key is not null;
          """;

  static final String IN_PLACE =
      LIVE
          + """
          create index layout_bad on layout (type, id desc)
           where state in ('failed', 'quarantined');
          """;

  static final String MOVING =
      LIVE
          + """
          create table layout_history (
          """
          + COLUMNS
          + """
          );
          create index layout_history_bad on layout_history (type, id desc)
           where state in ('failed', 'quarantined');
          """;

  static final String SUBMIT =
      """
      insert into layout (id, type, label, params, retry, key, due_at, submitted_at, state)
      select nextval('layout_id'), g.type, g.label, g.params::jsonb, g.retry, g.key,
             greatest(g.due_at, c.at), c.at, 'ready'
        from (select clock_timestamp() as at) c,
             unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[]::timestamptz[])
             with ordinality g (type, label, params, retry, key, due_at, n)
       order by g.n
      returning id
      """;

  static final String CLAIM =
      """
      with picked as materialized (
        select t.id
          from layout t
         where t.type = (?::text[])[1]
           and t.state = 'ready'
           and (t.due_at, t.id) > (?::timestamptz, ?::bigint)
           and t.due_at <= clock_timestamp()
           and exists (select from node where boot = ? and fenced_at is null)
           and not exists (select from queue where name = 'default' and paused_at is not null)
         order by t.type, t.due_at, t.id
         limit ?
           for update of t skip locked),
      claimed as (
        update layout t
           set state = 'running', token = ?, boot = ?, attempt = attempt + 1,
               claimed_at = clock_timestamp()
          from picked p
         where t.id = p.id
        returning t.*)
      select * from claimed order by due_at, id
      """;

  static final String RELEASE_UNHELD =
      """
      update layout
         set state = 'ready', token = null, boot = null, attempt = attempt - 1
       where boot = ? and state = 'running' and id <> all (?)
      returning id
      """;

  private static final String ENDS =
      """
      with ends as materialized (
        select *, clock_timestamp() as now
          from unnest(?::bigint[], ?::text[]::uuid[], ?::text[]::task_state[], ?::bigint[],
                      ?::bigint[], ?::text[], ?::text[]::jsonb[], ?::text[], ?::text[])
               g (task, token, state, delay, ran, node, result, kind, message)),
      """;

  private static final String BACK =
      """
      back as (
        update layout t
           set state = 'ready', token = null, boot = null,
               due_at = case when e.delay > 0 then e.now + e.delay * interval '1 ms'
                             else t.due_at end,
               failures = t.failures + (e.kind is not null)::integer
          from ends e
         where t.id = e.task and t.token = e.token and t.state = 'running' and e.state = 'ready'
        returning t.id)
      """;

  static final String FINISH_IN_PLACE =
      ENDS
          + """
          ended as (
            update layout t
               set state = e.state, token = null, boot = null, node = e.node,
                   started_at = e.now - e.ran * interval '1 ms', finished_at = e.now,
                   result = e.result,
                   error = case when e.kind is not null
                                then jsonb_build_object('kind', e.kind, 'message', e.message) end
              from ends e
             where t.id = e.task and t.token = e.token and t.state = 'running'
               and e.state <> 'ready'
            returning t.id),
          """
          + BACK
          + """
          select id from ended union all select id from back
          """;

  static final String FINISH_MOVING =
      ENDS
          + """
          gone as (
            delete from layout t
             using ends e
             where t.id = e.task and t.token = e.token and t.state = 'running'
               and e.state <> 'ready'
            returning t.*, e.state as final, e.now, e.ran, e.node as by, e.result as told, e.kind,
                      e.message),
          ended as (
            insert into layout_history (
                   id, type, label, params, retry, key, due_at, submitted_at, state, attempt,
                   failures, crashes, generation, claimed_at, node, started_at, finished_at,
                   result, error)
            select id, type, label, params, retry, key, due_at, submitted_at, final, attempt,
                   failures, crashes, generation, claimed_at, by, now - ran * interval '1 ms',
                   now, told,
                   case when kind is not null
                        then jsonb_build_object('kind', kind, 'message', message) end
              from gone
            returning id),
          """
          + BACK
          + """
          select id from ended union all select id from back
          """;

  static final String COUNT_IN_PLACE = "select count(*) from layout where finished_at is not null";

  static final String COUNT_MOVING = "select count(*) from layout_history";

  private RowTables() {}
}
