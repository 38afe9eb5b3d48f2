-- The schema batchyard, written from a migrated database by:
-- mvn -pl testkit -am test -Dtest=SchemaTest -Dsurefire.failIfNoSpecifiedTests=false -Dschema.refresh=true

create type block_kind as enum ('new', 'retry', 'snooze');

create type task_state as enum ('scheduled', 'blocked', 'ready', 'running', 'retrying', 'paused', 'completed', 'failed', 'cancelled', 'skipped', 'quarantined');

create table attempt_log (
  id bigint not null generated always as identity,
  task bigint not null,
  attempt integer not null,
  generation smallint not null,
  lease bigint,
  node text,
  started_at timestamp with time zone,
  ended_at timestamp with time zone not null,
  ended text not null,
  final boolean not null default false,
  result jsonb,
  error jsonb,
  CHECK ((ended = ANY (ARRAY['failed'::text, 'lost'::text, 'released'::text, 'paused'::text, 'snoozed'::text, 'completed'::text, 'cancelled'::text, 'skipped'::text, 'quarantined'::text]))),
  PRIMARY KEY (id)
);

create table block (
  bid bigint not null generated always as identity,
  lane integer not null,
  due_at timestamp with time zone not null,
  kind block_kind not null default 'new'::block_kind,
  whole boolean not null default false,
  first bigint not null,
  lo bigint not null,
  hi bigint not null,
  attempt integer not null default 0,
  failures smallint not null default 0,
  crashes smallint not null default 0,
  generation smallint not null default 1,
  CHECK (((lo <= hi) AND (first <= lo) AND ((hi - first) < 500))),
  PRIMARY KEY (lane, due_at, bid)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, vacuum_truncate=false);

create table checkpoint (
  task bigint not null,
  shard integer not null,
  "position" jsonb not null,
  read bigint not null,
  written bigint not null,
  skipped bigint not null,
  rejected bigint not null,
  lease bigint not null,
  moved_at timestamp with time zone not null default clock_timestamp(),
  CHECK ((read = ((written + skipped) + rejected))),
  PRIMARY KEY (task, shard)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);

create table event (
  id bigint not null generated always as identity,
  task bigint not null,
  at timestamp with time zone not null,
  from_state task_state not null,
  to_state task_state not null,
  by text not null,
  why text not null,
  FOREIGN KEY (from_state, to_state) REFERENCES legal_move(from_state, to_state),
  PRIMARY KEY (id)
);

create table lane (
  id integer not null generated always as identity,
  queue text not null,
  type text not null,
  priority smallint not null,
  CHECK (((priority >= 0) AND (priority <= 7))),
  FOREIGN KEY (queue) REFERENCES queue(name),
  PRIMARY KEY (id),
  UNIQUE (type, queue, priority)
);

create table lease (
  id bigint not null generated always as identity,
  token uuid not null,
  boot uuid not null,
  lane integer not null,
  due_at timestamp with time zone not null,
  whole boolean not null,
  attempt integer not null,
  failures smallint not null,
  crashes smallint not null,
  generation smallint not null,
  ids int8multirange not null,
  asked int8multirange not null default '{}'::int8multirange,
  claimed_at timestamp with time zone not null,
  PRIMARY KEY (id)
) with (fillfactor=60, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000, vacuum_truncate=false);

create table legal_move (
  from_state task_state not null,
  to_state task_state not null,
  PRIMARY KEY (from_state, to_state)
);

create table log_line (
  id bigint not null generated always as identity,
  task bigint not null,
  attempt integer not null,
  at timestamp with time zone not null,
  level text not null,
  text text not null,
  CHECK ((level = ANY (ARRAY['info'::text, 'warn'::text, 'error'::text])))
) partition by RANGE (at);

create table log_line_default (
  id bigint not null generated always as identity,
  task bigint not null,
  attempt integer not null,
  at timestamp with time zone not null,
  level text not null,
  text text not null,
  CHECK ((level = ANY (ARRAY['info'::text, 'warn'::text, 'error'::text])))
) -- log_line DEFAULT;

create table node (
  boot uuid not null,
  name text not null,
  host text not null,
  pid bigint not null,
  version text not null,
  types text[] not null,
  slots integer not null,
  lock_key bigint not null,
  started_at timestamp with time zone not null,
  beat_at timestamp with time zone not null,
  lease_until timestamp with time zone not null,
  free_seen_at timestamp with time zone,
  fenced_at timestamp with time zone,
  fenced_why text,
  refused bigint not null default 0,
  PRIMARY KEY (boot)
) with (fillfactor=20);

create table outcome (
  id bigint not null,
  type text not null,
  state task_state not null,
  lane integer not null,
  attempt integer not null,
  failures smallint not null,
  crashes smallint not null,
  generation smallint not null,
  lease bigint,
  node text,
  started_at timestamp with time zone,
  finished_at timestamp with time zone not null,
  result jsonb,
  error jsonb,
  CHECK ((state = ANY (ARRAY['completed'::task_state, 'failed'::task_state, 'cancelled'::task_state, 'skipped'::task_state, 'quarantined'::task_state]))),
  PRIMARY KEY (id)
) partition by RANGE (id);

create table outcome_0 (
  id bigint not null,
  type text not null,
  state task_state not null,
  lane integer not null,
  attempt integer not null,
  failures smallint not null,
  crashes smallint not null,
  generation smallint not null,
  lease bigint,
  node text,
  started_at timestamp with time zone,
  finished_at timestamp with time zone not null,
  result jsonb,
  error jsonb,
  CHECK ((state = ANY (ARRAY['completed'::task_state, 'failed'::task_state, 'cancelled'::task_state, 'skipped'::task_state, 'quarantined'::task_state]))),
  PRIMARY KEY (id)
) -- outcome FOR VALUES FROM ('0') TO ('10000000');

create table parked (
  id bigint not null,
  state task_state not null,
  from_state task_state not null,
  kind block_kind not null,
  lane integer not null,
  due_at timestamp with time zone not null,
  attempt integer not null,
  failures smallint not null,
  crashes smallint not null,
  generation smallint not null,
  by text not null,
  at timestamp with time zone not null,
  CHECK ((from_state = ANY (ARRAY['scheduled'::task_state, 'blocked'::task_state, 'ready'::task_state, 'retrying'::task_state]))),
  CHECK ((state = ANY (ARRAY['paused'::task_state, 'blocked'::task_state]))),
  PRIMARY KEY (id)
);

create table queue (
  name text not null,
  age_step interval not null default '00:01:00'::interval,
  paused_by text,
  paused_at timestamp with time zone,
  PRIMARY KEY (name)
);

create table reject (
  task bigint not null,
  generation smallint not null,
  shard integer not null,
  number bigint not null,
  "column" text not null,
  reason text not null,
  raw text not null,
  at timestamp with time zone not null default clock_timestamp(),
  PRIMARY KEY (task, number, shard, generation)
);

create table request (
  task bigint not null,
  kind text not null,
  boot uuid not null,
  by text not null,
  at timestamp with time zone not null,
  CHECK ((kind = ANY (ARRAY['pause'::text, 'cancel'::text]))),
  PRIMARY KEY (task)
);

create table retry_policy (
  name text not null,
  retries smallint not null,
  backoff text not null,
  first_delay interval not null,
  max_delay interval not null,
  CHECK (((retries >= 0) AND (retries <= 100))),
  CHECK ((backoff = ANY (ARRAY['exponential'::text, 'linear'::text]))),
  CHECK ((max_delay >= first_delay)),
  PRIMARY KEY (name)
);

create table running (
  task bigint not null,
  lease bigint not null,
  node text not null,
  started_at timestamp with time zone not null,
  items bigint not null,
  fraction real not null,
  rate real not null,
  remaining_ms bigint,
  at timestamp with time zone not null,
  PRIMARY KEY (task)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000, vacuum_truncate=false);

create table tally (
  day date not null,
  lane integer not null,
  state task_state not null,
  n bigint not null
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, vacuum_truncate=false);

create table task (
  id bigint not null,
  lane integer not null,
  label text not null,
  params jsonb not null,
  retry text not null,
  key text,
  due_at timestamp with time zone,
  submitted_at timestamp with time zone not null,
  PRIMARY KEY (id)
) partition by RANGE (id);

create table task_0 (
  id bigint not null,
  lane integer not null,
  label text not null,
  params jsonb not null,
  retry text not null,
  key text,
  due_at timestamp with time zone,
  submitted_at timestamp with time zone not null,
  PRIMARY KEY (id)
) -- task FOR VALUES FROM ('0') TO ('10000000');

create table task_key (
  type text not null,
  key text not null,
  task bigint not null,
  PRIMARY KEY (type, key)
);

CREATE INDEX attempt_log_lease ON batchyard.attempt_log USING btree (lease) WHERE (lease IS NOT NULL);

CREATE INDEX attempt_log_task ON batchyard.attempt_log USING btree (task, id);

CREATE INDEX block_first ON batchyard.block USING btree (first);

CREATE INDEX event_task ON batchyard.event USING btree (task, id);

CREATE INDEX lease_token ON batchyard.lease USING btree (token);

CREATE INDEX log_line_default_task_id_idx ON batchyard.log_line_default USING btree (task, id);

CREATE INDEX log_line_task ON ONLY batchyard.log_line USING btree (task, id);

CREATE INDEX outcome_0_state_type_id_idx ON batchyard.outcome_0 USING btree (state, type, id) WHERE (state <> 'completed'::task_state);

CREATE INDEX outcome_bad ON ONLY batchyard.outcome USING btree (state, type, id) WHERE (state <> 'completed'::task_state);

CREATE INDEX request_boot ON batchyard.request USING btree (boot);

CREATE OR REPLACE FUNCTION batchyard.beat(p_boot uuid, p_lease interval, p_may_fence boolean, p_refused bigint, p_now timestamp with time zone)
 RETURNS TABLE(pauses bigint[], cancels bigint[], releasable boolean)
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_now timestamptz := coalesce(p_now, clock_timestamp());
begin
  update node
     set beat_at = v_now, lease_until = v_now + p_lease, free_seen_at = null,
         refused = refused + p_refused
   where boot = p_boot and fenced_at is null;
  if not found then
    return;
  end if;
  with seen as materialized (
    select n.boot, n.free_seen_at, n.lease_until, node_lock_held(n.lock_key) as held
      from node n
     where n.fenced_at is null and n.boot <> p_boot
       for update skip locked)
  update node n
     set free_seen_at = case when not s.held then coalesce(s.free_seen_at, v_now) end,
         fenced_at    = case when f.why is not null then v_now end,
         fenced_why   = f.why
    from seen s
   cross join lateral (
     select case
              when not p_may_fence then null
              when s.lease_until < v_now then 'its lease lapsed'
              when not s.held and s.free_seen_at <= v_now - interval '1 s'
              then 'its session was gone'
            end as why) f
   where n.boot = s.boot
     and (f.why is not null or s.held <> (s.free_seen_at is null));
  return query
    select coalesce(array_agg(r.task) filter (where r.kind = 'pause'), '{}'),
           coalesce(array_agg(r.task) filter (where r.kind = 'cancel'), '{}'),
           exists (select from lease l
                    where not exists (select from node n
                                       where n.boot = l.boot and n.fenced_at is null))
      from request r
     where r.boot = p_boot;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.commit_chunk(p_task bigint, p_token uuid, p_shard integer, p_generation integer, p_position jsonb, p_read bigint, p_written bigint, p_skipped bigint, p_rejected bigint, p_rejects jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_lease bigint;
begin
  select id into v_lease from lease where token = p_token and ids @> p_task;
  if v_lease is null then
    raise exception 'task %: the lease is lost', p_task using errcode = 'BY001';
  end if;
  if p_rejects is not null then
    insert into reject (task, generation, shard, number, "column", reason, raw)
    select p_task, p_generation, p_shard, r.number, r."column", r.reason, r.raw
      from jsonb_to_recordset(p_rejects) r (number bigint, "column" text, reason text, raw text);
  end if;
  insert into checkpoint as c
    (task, shard, position, read, written, skipped, rejected, lease)
  values
    (p_task, p_shard, p_position, p_read, p_written, p_skipped, p_rejected, v_lease)
  on conflict (task, shard) do update
    set position = excluded.position,
        read     = c.read + excluded.read,
        written  = c.written + excluded.written,
        skipped  = c.skipped + excluded.skipped,
        rejected = c.rejected + excluded.rejected,
        lease    = excluded.lease,
        moved_at = clock_timestamp();
  perform 1 from lease where id = v_lease and token = p_token and ids @> p_task for share;
  if not found then
    raise exception 'task %: the lease is lost', p_task using errcode = 'BY001';
  end if;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.fail(p_code text, p_message text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '%', p_message using errcode = p_code;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.node_lock_held(p_lock_key bigint)
 RETURNS boolean
 LANGUAGE sql
AS $function$
  select exists (
    select from pg_locks
     where locktype = 'advisory' and granted and objsubid = 1
       and database = (select oid from pg_database where datname = current_database())
       and classid  = ((p_lock_key >> 32) & 4294967295)::oid
       and objid    = (p_lock_key & 4294967295)::oid)
$function$
;

CREATE OR REPLACE FUNCTION batchyard.read_checkpoint(p_task bigint, p_token uuid, p_shard integer)
 RETURNS TABLE("position" text, read bigint, written bigint, skipped bigint, rejected bigint)
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
begin
  perform 1 from lease where token = p_token and ids @> p_task;
  if not found then
    raise exception 'task %: the lease is lost', p_task using errcode = 'BY001';
  end if;
  return query
    select c.position::text, c.read, c.written, c.skipped, c.rejected
      from checkpoint c
     where c.task = p_task and c.shard = p_shard;
end $function$
;
