-- The schema batchyard, written from a migrated database by:
-- mvn -pl testkit -am test -Dtest=SchemaTest -Dsurefire.failIfNoSpecifiedTests=false -Dschema.refresh=true

create type block_kind as enum ('new', 'retry', 'snooze');

create type key_scope as enum ('idempotency', 'live', 'period');

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
  CHECK ((ended = ANY (ARRAY['failed'::text, 'lost'::text, 'released'::text, 'paused'::text, 'snoozed'::text, 'split'::text, 'completed'::text, 'cancelled'::text, 'skipped'::text, 'quarantined'::text]))),
  PRIMARY KEY (id)
);

create table batch (
  id bigint not null generated always as identity,
  label text not null,
  opened_at timestamp with time zone not null,
  sealed_at timestamp with time zone,
  ended_at timestamp with time zone,
  then_task bigint,
  total bigint not null default 0,
  completed bigint not null default 0,
  failed bigint not null default 0,
  cancelled bigint not null default 0,
  kind text not null default 'batch'::text,
  first bigint,
  in_turn boolean not null default false,
  tolerant boolean not null default false,
  generation smallint,
  CHECK (((LEAST(completed, failed, cancelled) >= 0) AND (((completed + failed) + cancelled) <= total))),
  CHECK (((kind = 'split'::text) = ((first IS NOT NULL) AND (generation IS NOT NULL) AND (then_task IS NOT NULL)))),
  CHECK ((kind = ANY (ARRAY['batch'::text, 'split'::text, 'broadcast'::text]))),
  PRIMARY KEY (id)
) with (fillfactor=20, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000, vacuum_truncate=false);

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
  attempt integer not null default 0,
  rewinds boolean not null default false,
  kept integer not null default 0,
  kept_at timestamp with time zone not null default clock_timestamp(),
  CHECK ((read = ((written + skipped) + rejected))),
  PRIMARY KEY (task, shard)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);

create table checkpoint_log (
  task bigint not null,
  shard integer not null,
  number integer not null,
  "position" jsonb not null,
  read bigint not null,
  written bigint not null,
  skipped bigint not null,
  rejected bigint not null,
  attempt integer not null,
  at timestamp with time zone not null,
  CHECK ((read = ((written + skipped) + rejected))),
  PRIMARY KEY (task, shard, number)
);

create table compensation (
  task bigint not null,
  round smallint not null,
  state text not null,
  began_at timestamp with time zone not null,
  moved_at timestamp with time zone not null,
  CHECK ((state = ANY (ARRAY['undoing'::text, 'needs_person'::text, 'undone'::text]))),
  PRIMARY KEY (task, round)
);

create table cordon (
  name text not null,
  by text not null,
  at timestamp with time zone not null,
  drains boolean not null,
  ends boolean not null,
  CHECK ((drains OR (NOT ends))),
  PRIMARY KEY (name)
);

create table doctor_look (
  name text not null,
  worked_at timestamp with time zone,
  looked_at timestamp with time zone,
  since timestamp with time zone,
  looked bigint not null default 0,
  found bigint not null default 0,
  subjects text[] not null default '{}'::text[],
  details text[] not null default '{}'::text[],
  problem text not null default ''::text,
  PRIMARY KEY (name)
);

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

create table expiry (
  task bigint not null,
  queue_timeout interval,
  start_by timestamp with time zone,
  end_by timestamp with time zone,
  by_deadline boolean not null,
  look_at timestamp with time zone not null,
  PRIMARY KEY (task)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

create table id_span (
  number integer not null,
  lo bigint not null,
  hi bigint not null,
  entered_at timestamp with time zone,
  closed text,
  worked_at timestamp with time zone,
  keep_until timestamp with time zone,
  kept_why text,
  CHECK ((closed = ANY (ARRAY['closing'::text, 'detached'::text]))),
  CHECK ((lo < hi)),
  PRIMARY KEY (number),
  UNIQUE (lo)
);

create table lane (
  id integer not null generated always as identity,
  queue text not null,
  type text not null,
  priority smallint not null,
  requirement integer not null default 0,
  pools text[] not null default '{}'::text[],
  units integer[] not null default '{}'::integer[],
  CHECK (((cardinality(pools) = cardinality(units)) AND (0 < ALL (units)))),
  CHECK (((priority >= 0) AND (priority <= 7))),
  FOREIGN KEY (queue) REFERENCES queue(name),
  FOREIGN KEY (requirement) REFERENCES requirement(id),
  PRIMARY KEY (id),
  UNIQUE (type, queue, priority, requirement, pools, units)
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
  cores integer not null default 0,
  memory_mib bigint not null default 0,
  disk_mib bigint not null default 0,
  labels text[] not null default '{}'::text[],
  queues text[] not null default '{}'::text[],
  meets integer[] not null default '{0}'::integer[],
  lock_key bigint not null,
  started_at timestamp with time zone not null,
  beat_at timestamp with time zone not null,
  lease_until timestamp with time zone not null,
  free_seen_at timestamp with time zone,
  fenced_at timestamp with time zone,
  fenced_why text,
  refused bigint not null default 0,
  running integer not null default 0,
  cpu real,
  memory real,
  disk real,
  load real,
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
) -- outcome FOR VALUES FROM ('0') TO ('1000000');

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

create table pool (
  name text not null,
  kind text not null,
  capacity bigint not null,
  period interval,
  per_key boolean not null default false,
  type text,
  since timestamp with time zone not null,
  shrunk_to bigint,
  grows_at timestamp with time zone,
  set_by text not null,
  set_at timestamp with time zone not null,
  CHECK (
CASE
    WHEN (kind = 'budget'::text) THEN (shrunk_to IS NULL)
    ELSE true
END),
  CHECK (
CASE kind
    WHEN 'slots'::text THEN (period IS NULL)
    WHEN 'rate'::text THEN (period IS NOT NULL)
    ELSE true
END),
  CHECK (((NOT per_key) OR ((kind = 'slots'::text) AND (type IS NULL)))),
  CHECK (((capacity >= 0) AND (capacity <= '1000000000000'::bigint))),
  CHECK (((length(name) >= 1) AND (length(name) <= 100))),
  CHECK (((period >= '00:00:00.1'::interval) AND (period <= '366 days'::interval))),
  CHECK (((shrunk_to IS NULL) = (grows_at IS NULL))),
  CHECK ((kind = ANY (ARRAY['slots'::text, 'rate'::text, 'budget'::text]))),
  PRIMARY KEY (name)
);

create table pool_spent (
  pool text not null,
  at timestamp with time zone not null,
  units bigint not null,
  CHECK ((units > 0)),
  FOREIGN KEY (pool) REFERENCES pool(name) ON DELETE CASCADE,
  PRIMARY KEY (pool, at)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);

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

create table requirement (
  id integer not null generated always as identity,
  text text not null,
  PRIMARY KEY (id),
  UNIQUE (text)
);

create table retry_policy (
  name text not null,
  retries smallint not null,
  backoff text not null,
  first_delay interval not null,
  max_delay interval not null,
  CHECK (((length(name) >= 1) AND (length(name) <= 100))),
  CHECK (((max_delay >= first_delay) AND (max_delay <= '30 days'::interval))),
  CHECK (((retries >= 0) AND (retries <= 100))),
  CHECK ((backoff = ANY (ARRAY['exponential'::text, 'linear'::text]))),
  CHECK ((first_delay >= '00:00:00'::interval)),
  PRIMARY KEY (name)
);

create table retry_rule (
  policy text not null,
  kind text not null,
  slow interval,
  CHECK (((length(kind) >= 1) AND (length(kind) <= 200))),
  CHECK (((slow > '00:00:00'::interval) AND (slow <= '30 days'::interval))),
  FOREIGN KEY (policy) REFERENCES retry_policy(name) ON DELETE CASCADE,
  PRIMARY KEY (policy, kind)
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

create table step (
  task bigint not null,
  round smallint not null,
  number smallint not null,
  name text not null,
  lease bigint not null,
  started_at timestamp with time zone not null,
  done_at timestamp with time zone,
  result jsonb,
  undo_type text,
  undo_params jsonb,
  undo_retry text,
  undo_task bigint,
  undone_at timestamp with time zone,
  settled text,
  settled_at timestamp with time zone,
  settled_by text,
  settled_why text,
  CHECK ((((undo_type IS NULL) = (undo_params IS NULL)) AND ((undo_type IS NULL) = (undo_retry IS NULL)))),
  CHECK (((done_at IS NULL) = (result IS NULL))),
  CHECK (((undo_task IS NULL) OR (undo_type IS NOT NULL))),
  CHECK (((undone_at IS NULL) OR (undo_task IS NOT NULL))),
  CHECK ((settled = ANY (ARRAY['done'::text, 'not_done'::text]))),
  PRIMARY KEY (task, round, name)
);

create table tally (
  day date not null,
  lane integer not null,
  state task_state not null,
  n bigint not null
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, vacuum_truncate=false);

create table task (
  id bigint not null,
  submitted_at timestamp with time zone not null,
  lane integer not null,
  flags smallint not null default 0,
  label text not null,
  params jsonb not null,
  retry text not null,
  due_at timestamp with time zone,
  key text,
  live_key text,
  period_key text,
  period interval,
  batch bigint,
  limits jsonb,
  PRIMARY KEY (id)
) partition by RANGE (id);

create table task_0 (
  id bigint not null,
  submitted_at timestamp with time zone not null,
  lane integer not null,
  flags smallint not null default 0,
  label text not null,
  params jsonb not null,
  retry text not null,
  due_at timestamp with time zone,
  key text,
  live_key text,
  period_key text,
  period interval,
  batch bigint,
  limits jsonb,
  PRIMARY KEY (id)
) -- task FOR VALUES FROM ('0') TO ('1000000');

create table task_key (
  scope key_scope not null,
  type text not null,
  key text not null,
  task bigint not null,
  until timestamp with time zone not null,
  CHECK (((scope = 'live'::key_scope) = (until = 'infinity'::timestamp with time zone))),
  PRIMARY KEY (scope, type, key)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=5000);

CREATE INDEX attempt_log_lease ON batchyard.attempt_log USING btree (lease) WHERE (lease IS NOT NULL);

CREATE INDEX attempt_log_task ON batchyard.attempt_log USING btree (task, id);

CREATE INDEX batch_open_split ON batchyard.batch USING btree (id) WHERE ((kind = 'split'::text) AND (ended_at IS NULL));

CREATE INDEX batch_then ON batchyard.batch USING btree (then_task, id) WHERE (then_task IS NOT NULL);

CREATE INDEX block_first ON batchyard.block USING btree (first);

CREATE INDEX compensation_open ON batchyard.compensation USING btree (task) WHERE (state <> 'undone'::text);

CREATE INDEX event_task ON batchyard.event USING btree (task, id);

CREATE INDEX expiry_look ON batchyard.expiry USING btree (look_at);

CREATE INDEX lease_token ON batchyard.lease USING btree (token);

CREATE INDEX log_line_default_task_id_idx ON batchyard.log_line_default USING btree (task, id);

CREATE INDEX log_line_task ON ONLY batchyard.log_line USING btree (task, id);

CREATE INDEX outcome_0_state_type_id_idx ON batchyard.outcome_0 USING btree (state, type, id) WHERE (state <> 'completed'::task_state);

CREATE INDEX outcome_bad ON ONLY batchyard.outcome USING btree (state, type, id) WHERE (state <> 'completed'::task_state);

CREATE INDEX request_boot ON batchyard.request USING btree (boot);

CREATE INDEX task_0_batch_id_idx ON batchyard.task_0 USING btree (batch, id) WHERE (batch IS NOT NULL);

CREATE INDEX task_batch ON ONLY batchyard.task USING btree (batch, id) WHERE (batch IS NOT NULL);

CREATE INDEX task_key_until ON batchyard.task_key USING btree (until) WHERE (until < 'infinity'::timestamp with time zone);

CREATE UNIQUE INDEX step_undo ON batchyard.step USING btree (undo_task) WHERE (undo_task IS NOT NULL);

CREATE OR REPLACE FUNCTION batchyard.beat(p_boot uuid, p_lease interval, p_may_fence boolean, p_refused bigint, p_back interval, p_nodes integer, p_running integer, p_cpu real, p_memory real, p_disk real, p_load real, p_lighter real, p_now timestamp with time zone)
 RETURNS TABLE(pauses bigint[], cancels bigint[], releasable boolean, expiring boolean, owning boolean, due_ms bigint, nodes integer, head_room real, only_here integer[], cordon text)
 LANGUAGE plpgsql
AS $function$
declare
  v_now   timestamptz := coalesce(p_now, clock_timestamp());
  v_types text[];
  v_queues text[];
  v_meets integer[];
  v_due   timestamptz;
  v_nodes integer;
  v_odd   uuid[];
  v_lighter uuid[];
  v_room  real;
  v_only  integer[];
  v_name  text;
  v_cordon text;
begin
  update node
     set beat_at = v_now, lease_until = v_now + p_lease, free_seen_at = null,
         refused = refused + p_refused, running = p_running, cpu = p_cpu, memory = p_memory,
         disk = p_disk, load = p_load
   where boot = p_boot and fenced_at is null
  returning name, types, queues, meets into v_name, v_types, v_queues, v_meets;
  if not found then
    return;
  end if;
  if p_nodes is null or p_nodes <= 8 or random() * least(p_nodes, 80) < 4 then
    select count(*) filter (where s.held and s.lease_until >= v_now),
           array_agg(s.boot) filter (
             where s.boot <> p_boot
               and (not s.held or s.free_seen_at is not null or s.lease_until < v_now)),
           array_agg(s.boot) filter (
             where s.boot <> p_boot and s.held and s.lease_until >= v_now and s.load < p_lighter
               and not s.cordoned and s.types && v_types
               and (v_queues = '{}' or s.queues = '{}' or s.queues && v_queues))
      into v_nodes, v_odd, v_lighter
      from (select boot, free_seen_at, lease_until, load, types, queues,
                   exists (select from cordon c where c.name = n.name) as cordoned,
                   lock_key in (select locks_held()) as held
              from node n
             where fenced_at is null) s;
  end if;
  if v_odd is not null then
    with seen as materialized (
      select n.boot, n.free_seen_at, h.held, f.why
        from node n
       cross join lateral (select n.lock_key in (select locks_held()) as held) h
       cross join lateral (
         select case
                  when not p_may_fence then null
                  when n.lease_until < v_now then 'its lease lapsed'
                  when not h.held and n.free_seen_at <= v_now - interval '1 s'
                  then 'its session was gone'
                end as why) f
       where n.boot = any (v_odd) and n.fenced_at is null
         and (f.why is not null or h.held <> (n.free_seen_at is null))
         for update of n skip locked)
    update node n
       set free_seen_at = case when not s.held then coalesce(s.free_seen_at, v_now) end,
           fenced_at    = case when s.why is not null then v_now end,
           fenced_why   = s.why
      from seen s
     where n.boot = s.boot;
  end if;
  if v_lighter is not null then
    select max(1 - (n.cpu + n.memory) / 2) into v_room from node n where n.boot = any (v_lighter);
    v_only := array(
      select m from unnest(v_meets) m
       where not exists (select from node n where n.boot = any (v_lighter) and m = any (n.meets)));
  end if;
  select case when c.ends then 'ENDS' when c.drains then 'DRAINS' else 'STANDS' end into v_cordon
    from cordon c where c.name = v_name;
  if p_back is not null and v_cordon is null then
    select min(h.due_at) into v_due
      from lane l
      join queue q on q.name = l.queue
     cross join lateral (
       select b.due_at
         from block b
        where b.lane = l.id
          and b.due_at >= v_now - p_back
          and b.due_at <= v_now + p_lease / 5
        order by b.due_at, b.bid
        limit 1) h
     where l.type = any (v_types) and q.paused_at is null and l.requirement = any (v_meets)
       and (v_queues = '{}' or l.queue = any (v_queues));
  end if;
  return query
    select coalesce(array_agg(r.task) filter (where r.kind = 'pause'), '{}'),
           coalesce(array_agg(r.task) filter (where r.kind = 'cancel'), '{}'),
           exists (select from lease l
                    where not exists (select from node n
                                       where n.boot = l.boot and n.fenced_at is null)),
           exists (select from expiry where look_at <= v_now),
           exists (select from lease where boot = p_boot),
           (extract(epoch from v_due - v_now) * 1000)::bigint,
           v_nodes, v_room, v_only, coalesce(v_cordon, 'NONE')
      from request r
     where r.boot = p_boot;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.begin_step(p_task bigint, p_token uuid, p_name text, p_again boolean, p_undo_type text, p_undo_params jsonb, p_undo_retry text, p_steps_max integer, p_now timestamp with time zone)
 RETURNS TABLE(answer text, stored text, recorded text)
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_lease bigint;
  v_round smallint;
  v_count integer;
  v_step  step;
begin
  select id into v_lease from lease where token = p_token and ids @> p_task for share;
  if not found then
    raise exception 'task %: the lease is lost', p_task using errcode = 'BY001';
  end if;
  v_round := step_round(p_task);
  select * into v_step from step
   where task = p_task and name = p_name and (round = v_round or undo_type is null)
   order by round desc
   limit 1
     for update;
  select count(*) into v_count from step where task = p_task and round = v_round;
  if v_step.task is not null then
    answer := case
      when v_step.done_at is not null then 'done'
      when v_step.settled = 'not_done' then
        case when p_undo_retry is null or exists (select from retry_policy where name = p_undo_retry)
             then 'started' else 'policy' end
      when (v_step.undo_type, v_step.undo_params) is distinct from (p_undo_type, p_undo_params) then 'undo'
      when v_step.lease = v_lease and not p_again then 'started' -- our own first try
      else 'unknown' end;
    if answer = 'unknown' and v_step.round < v_round then
      update step set round = v_round, number = v_count + 1
       where task = p_task and round = v_step.round and name = p_name;
    elsif answer = 'started' and v_step.settled = 'not_done' then
      update step
         set settled = null, lease = v_lease, started_at = coalesce(p_now, clock_timestamp()),
             undo_type = p_undo_type, undo_params = p_undo_params, undo_retry = p_undo_retry,
             number = case when round < v_round then v_count + 1 else number end, round = v_round
       where task = p_task and round = v_step.round and name = p_name;
    end if;
  else
    answer := case
      when v_count >= p_steps_max then 'many'
      when p_undo_retry is not null
           and not exists (select from retry_policy where name = p_undo_retry) then 'policy'
      else 'started' end;
    if answer = 'started' then
      insert into step (task, round, number, name, lease, started_at, undo_type, undo_params,
                        undo_retry)
      values (p_task, v_round, v_count + 1, p_name, v_lease, coalesce(p_now, clock_timestamp()),
              p_undo_type, p_undo_params, p_undo_retry);
    end if;
  end if;
  stored := v_step.result;
  recorded := v_step.undo_type || ' ' || v_step.undo_params;
  return next;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.cancel_parts(p_batch bigint, p_by text, p_now timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_now   timestamptz := coalesce(p_now, clock_timestamp());
  v_batch batch;
  v_ids   bigint[];
  v_asked integer;
begin
  select * into v_batch from batch where id = p_batch;
  with asked as materialized (
    select l.id, l.boot, l.ids * int8multirange(int8range(v_batch.first, v_batch.first + v_batch.total)) - l.asked as ids
      from lease l
     where l.ids && int8range(v_batch.first, v_batch.first + v_batch.total)
       and not isempty(l.ids * int8multirange(int8range(v_batch.first, v_batch.first + v_batch.total)) - l.asked)
     order by l.id
       for update),
  marked as (
    update lease l set asked = l.asked + a.ids from asked a where l.id = a.id),
  requested as (
    insert into request (task, kind, boot, by, at)
    select g.task, 'cancel', a.boot, p_by, v_now
      from asked a
     cross join unnest(a.ids) s (ids)
     cross join generate_series(lower(s.ids), upper(s.ids) - 1) g (task)
        on conflict (task) do update set kind = 'cancel', by = excluded.by, at = excluded.at
    returning task)
  select count(*) into v_asked from requested;
  with blocks as materialized (
    select ctid from block
     where first >= v_batch.first and first < v_batch.first + v_batch.total
     order by first
     limit 20
       for update),
  waited as (
    delete from block where ctid = any (array(select ctid from blocks)) returning *),
  held as materialized (
    select id from parked
     where id >= v_batch.first and id < v_batch.first + v_batch.total
     order by id
     limit case when v_batch.in_turn then 100000 else 10000 end
       for update),
  parked_ones as (
    delete from parked where id = any (array(select id from held)) returning *),
  gone as materialized (
    select g.id, w.lane, w.attempt, w.failures, w.crashes, w.generation,
           case when w.due_at <= v_now then 'ready' when w.kind = 'retry' then 'retrying' else 'scheduled' end::task_state as was
      from waited w
     cross join generate_series(w.lo, w.hi) g (id)
    union all
    select id, lane, attempt, failures, crashes, generation, state from parked_ones),
  ended as (
    insert into outcome (id, type, state, lane, attempt, failures, crashes, generation, finished_at)
    select g.id, l.type, 'cancelled', g.lane, g.attempt, g.failures, g.crashes, g.generation, v_now
      from gone g
     cross join lateral (select l.type from lane l where l.id = g.lane offset 0) l),
  tallied as (
    insert into tally (day, lane, state, n)
    select (v_now at time zone 'UTC')::date, lane, 'cancelled', count(*) from gone group by lane),
  told as (
    insert into event (task, at, from_state, to_state, by, why)
    select id, v_now, was, 'cancelled', p_by, 'the task that it was a part of has ended' from gone)
  select array_agg(id order by id) into v_ids from gone;
  if v_ids is not null then
    perform undo(v_ids, v_now);
    update batch set cancelled = cancelled + cardinality(v_ids) where id = p_batch;
    perform end_batch(p_batch, v_now);
  end if;
  return v_asked + coalesce(cardinality(v_ids), 0);
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.commit_chunk(p_task bigint, p_token uuid, p_shard integer, p_generation integer, p_position jsonb, p_read bigint, p_written bigint, p_skipped bigint, p_rejected bigint, p_rejects jsonb, p_rewinds boolean DEFAULT false)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_lease   bigint;
  v_attempt integer;
  v_was     checkpoint;
  v_keeps   boolean;
begin
  select id, attempt into v_lease, v_attempt from lease where token = p_token and ids @> p_task;
  if v_lease is null then
    raise exception 'task %: the lease is lost', p_task using errcode = 'BY001';
  end if;
  if p_rejects is not null then
    insert into reject (task, generation, shard, number, "column", reason, raw)
    select p_task, p_generation, p_shard, r.number, r."column", r.reason, r.raw
      from jsonb_to_recordset(p_rejects) r (number bigint, "column" text, reason text, raw text);
  end if;
  select * into v_was from checkpoint where task = p_task and shard = p_shard;
  v_keeps := found and (v_was.lease <> v_lease
                        or v_was.kept_at <= clock_timestamp() - interval '10 s');
  if v_keeps then
    insert into checkpoint_log
      (task, shard, number, position, read, written, skipped, rejected, attempt, at)
    values
      (p_task, p_shard, v_was.kept + 1, v_was.position, v_was.read, v_was.written, v_was.skipped,
       v_was.rejected, v_was.attempt, v_was.moved_at)
    on conflict do nothing; -- another owner has: this one is refused below
    delete from checkpoint_log
     where task = p_task and shard = p_shard and number <= v_was.kept + 1 - 16
       and number % (2 ^ (floor(log(2.0, (v_was.kept + 1 - number) / 16.0)) + 1))::bigint <> 0;
  end if;
  insert into checkpoint as c
    (task, shard, position, read, written, skipped, rejected, lease, attempt, rewinds)
  values
    (p_task, p_shard, p_position, p_read, p_written, p_skipped, p_rejected, v_lease, v_attempt,
     p_rewinds)
  on conflict (task, shard) do update
    set position = excluded.position,
        read     = c.read + excluded.read,
        written  = c.written + excluded.written,
        skipped  = c.skipped + excluded.skipped,
        rejected = c.rejected + excluded.rejected,
        lease    = excluded.lease,
        moved_at = clock_timestamp(),
        attempt  = excluded.attempt,
        rewinds  = c.rewinds and excluded.rewinds,
        kept     = c.kept + v_keeps::integer,
        kept_at  = case when v_keeps then clock_timestamp() else c.kept_at end;
  perform 1 from lease where id = v_lease and token = p_token and ids @> p_task for share;
  if not found then
    raise exception 'task %: the lease is lost', p_task using errcode = 'BY001';
  end if;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.count_type(p_pool pool, p_counts boolean)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
begin
  update lane l
     set (pools, units) = (
           select coalesce(array_agg(u.name order by u.name collate "C"), '{}'),
                  coalesce(array_agg(u.units order by u.name collate "C"), '{}')
             from (select name, units from unnest(l.pools, l.units) a (name, units)
                    where name <> p_pool.name
                   union all
                   select p_pool.name, 1 where p_counts) u)
   where l.type = p_pool.type;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.end_batch(p_batch bigint, p_now timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_batch batch;
begin
  update batch set ended_at = p_now
   where id = p_batch and ended_at is null and sealed_at is not null
     and (completed + failed + cancelled = total
          or (in_turn and exists (select from outcome where id = first + completed)))
  returning * into v_batch;
  return case v_batch.kind
    when 'split' then unblock(v_batch.then_task, p_now, 'split', 'its parts have ended')
    else unblock(v_batch.then_task, p_now, 'batch', 'batch ' || p_batch || ' has ended') end;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.end_step(p_task bigint, p_token uuid, p_name text, p_result jsonb, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_round smallint;
begin
  perform from lease where token = p_token and ids @> p_task for share;
  if not found then
    raise exception 'task %: the lease is lost', p_task using errcode = 'BY001';
  end if;
  v_round := step_round(p_task);
  update step
     set done_at = coalesce(done_at, p_now, clock_timestamp()), result = coalesce(result, p_result)
   where task = p_task and round = v_round and name = p_name;
  if not found then
    raise exception 'task %: step % was not begun', p_task, p_name using errcode = 'BY002';
  end if;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.expiry_of(p_limits jsonb, p_from timestamp with time zone, p_due timestamp with time zone)
 RETURNS TABLE(queue_timeout interval, start_by timestamp with time zone, end_by timestamp with time zone, by_deadline boolean)
 LANGUAGE sql
 STABLE
AS $function$
  select q, p_due + q, least(p_from + t, d), d is not null and coalesce(d <= p_from + t, true)
    from (select (p_limits ->> 'queueMs')::bigint * interval '1 ms',
                 (p_limits ->> 'totalMs')::bigint * interval '1 ms',
                 (p_limits ->> 'deadline')::timestamptz) l (q, t, d)
   where q is not null or t is not null or d is not null
$function$
;

CREATE OR REPLACE FUNCTION batchyard.fail(p_code text, p_message text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '%', p_message using errcode = p_code;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.lane_of(p_queue text, p_type text, p_priority integer, p_requirement integer, p_pools text[], p_units integer[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_pools text[];
  v_units integer[];
  v_lane  integer;
begin
  for v_look in 1 .. 2 loop
    select coalesce(array_agg(u.name order by u.name collate "C"), '{}'),
           coalesce(array_agg(u.units order by u.name collate "C"), '{}')
      into v_pools, v_units
      from (select name, units from unnest(p_pools, p_units) a (name, units)
            union all
            select name, 1 from pool where type = p_type) u;
    select id into v_lane from lane
     where type = p_type and queue = p_queue and priority = p_priority and requirement = p_requirement
       and pools = v_pools and units = v_units;
    if found then
      return v_lane;
    elsif v_look = 1 then
      lock table pool in share mode;
    end if;
  end loop;
  insert into lane (queue, type, priority, requirement, pools, units)
  values (p_queue, p_type, p_priority, p_requirement, v_pools, v_units)
      on conflict (type, queue, priority, requirement, pools, units) do nothing;
  select id into strict v_lane from lane
   where type = p_type and queue = p_queue and priority = p_priority and requirement = p_requirement
     and pools = v_pools and units = v_units;
  return v_lane;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.locks_held()
 RETURNS SETOF bigint
 LANGUAGE sql
AS $function$
  select (classid::bigint << 32) | objid::bigint
    from pg_locks
   where locktype = 'advisory' and granted and objsubid = 1
     and database = (select oid from pg_database where datname = current_database())
$function$
;

CREATE OR REPLACE FUNCTION batchyard.node_lock_held(p_lock_key bigint)
 RETURNS boolean
 LANGUAGE sql
AS $function$
  select p_lock_key in (select batchyard.locks_held())
$function$
;

CREATE OR REPLACE FUNCTION batchyard.not_undone(p_task bigint)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'batchyard'
AS $function$
declare
  v_open compensation;
  v_step step;
begin
  select * into v_open from compensation where task = p_task and state <> 'undone';
  if not found then
    return null;
  end if;
  select * into v_step from step
   where task = p_task and round = v_open.round and undo_task is not null and undone_at is null
   order by number desc
   limit 1;
  return case v_open.state
    when 'undoing' then format(
      'its steps are being undone, at present %L by task %s; it can run again when they are',
      v_step.name, v_step.undo_task)
    else format(
      'its steps are not undone: task %s, which is to undo %L, needs a person; run that one again first',
      v_step.undo_task, v_step.name) end;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.pool_again(p_pool pool, p_now timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'batchyard'
AS $function$
begin
  return case
    when p_pool.grows_at > p_now then p_pool.grows_at
    when p_pool.kind = 'rate' then (
      select min(at) + p_pool.period + p_pool.period / 50 from pool_spent
       where pool = p_pool.name and at > p_now - p_pool.period - p_pool.period / 50)
    when p_pool.kind = 'budget' then pool_bin(p_pool, p_now) + p_pool.period end;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.pool_bin(p_pool pool, p_now timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case when p_pool.period is null then p_pool.since
              else date_bin(case p_pool.kind when 'rate' then p_pool.period / 50 else p_pool.period end,
                            p_now, p_pool.since) end
$function$
;

CREATE OR REPLACE FUNCTION batchyard.pool_capacity(p_pool pool, p_now timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case when p_pool.shrunk_to is null then p_pool.capacity
              when p_now < p_pool.grows_at then 0
              else least(p_pool.capacity,
                         p_pool.shrunk_to + greatest(p_pool.capacity / 20, 1)
                           * floor(extract(epoch from p_now - p_pool.grows_at) / 10)::bigint) end
$function$
;

CREATE OR REPLACE FUNCTION batchyard.pool_named(p_name text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select split_part(p_name, ':', 1)
$function$
;

CREATE OR REPLACE FUNCTION batchyard.pool_room(p_lane integer, p_now timestamp with time zone)
 RETURNS TABLE(room bigint, lacking text[], too_much boolean, spends boolean, again_ms bigint)
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_lane lane;
  v_now  timestamptz;
begin
  select * into v_lane from lane where id = p_lane;
  perform from pool
    where name = any (array(select pool_named(a.name) from unnest(v_lane.pools) a (name)))
    order by name
      for no key update;
  v_now := coalesce(p_now, clock_timestamp());
  return query
    with asked as materialized (
      select a.name, a.units, p.kind, p.capacity, p as pool
        from unnest(v_lane.pools, v_lane.units) a (name, units)
        left join pool p on p.name = pool_named(a.name)),
    free as materialized (
      select a.*, case when a.kind is null then 0
                       else pool_capacity(a.pool, v_now) - pool_used(a.pool, a.name, v_now) end as free
        from asked a),
    lacks as materialized (
      select f.*, case when bool_or(f.free <= 0) over () then f.free <= 0 else f.free < f.units end as lacks
        from free f)
    select greatest(min(l.free / l.units), 0),
           coalesce(array_agg(l.name order by l.name) filter (where l.lacks), '{}'),
           coalesce(bool_or(l.capacity < l.units), false),
           coalesce(bool_or(l.kind <> 'slots'), false),
           (extract(epoch from min(pool_again(l.pool, v_now)) filter (where l.lacks) - v_now) * 1000)::bigint
      from lacks l;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.pool_spend(p_lane integer, p_tasks bigint, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_now timestamptz := coalesce(p_now, clock_timestamp());
begin
  insert into pool_spent as s (pool, at, units)
  select p.name, pool_bin(p, v_now), a.units * p_tasks
    from lane l
   cross join unnest(l.pools, l.units) a (name, units)
    join pool p on p.name = a.name and p.kind <> 'slots'
   where l.id = p_lane
      on conflict (pool, at) do update set units = s.units + excluded.units;
  delete from pool_spent s
   using pool p
   where p.name = s.pool and p.kind <> 'slots'
     and p.name = any (array(select unnest(pools) from lane where id = p_lane))
     and s.at < case p.kind when 'rate' then v_now - 2 * p.period else pool_bin(p, v_now) end;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.pool_used(p_pool pool, p_name text, p_now timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'batchyard'
AS $function$
declare
  v_lanes integer[];
  v_units integer[];
begin
  if p_pool.kind <> 'slots' then
    return (
      select coalesce(sum(units), 0) from pool_spent
       where pool = p_pool.name
         and at > case p_pool.kind when 'rate' then p_now - p_pool.period - p_pool.period / 50
                                   else pool_bin(p_pool, p_now) - interval '1 us' end);
  end if;
  select array_agg(id), array_agg(units[array_position(pools, p_name)]) into v_lanes, v_units
    from lane
   where p_name = any (pools);
  if v_lanes is null then
    return 0;
  end if;
  return (
    select coalesce(sum(v_units[array_position(v_lanes, l.lane)]::bigint * i.ids), 0)
      from lease l
     cross join lateral (
       select sum(upper(r.ids) - lower(r.ids)) as ids from unnest(l.ids) r (ids)) i
     where l.lane = any (v_lanes));
end $function$
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

CREATE OR REPLACE FUNCTION batchyard.settle(p_tasks bigint[], p_now timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_now      timestamptz := coalesce(p_now, clock_timestamp());
  v_released integer := 0;
  v_counts   record;
  v_batch    batch;
begin
  delete from expiry where task = any (p_tasks);
  delete from task_key
   where ctid = any (array(
     select k.ctid
       from (select t.id, l.type, t.live_key
               from unnest(p_tasks) i (id)
              cross join lateral (
                select t.id, t.lane, t.live_key from task t where t.id = i.id offset 0) t
              cross join lateral (
                select l.type from lane l where l.id = t.lane offset 0) l
              where t.live_key is not null
              order by l.type, t.live_key
             offset 0) h
      cross join lateral (
        select k.ctid
          from task_key k
         where k.scope = 'live' and k.type = h.type and k.key = h.live_key and k.task = h.id
        offset 0
           for update) k));
  for v_counts in
    select t.batch,
           count(*) filter (where o.state = 'completed') as completed,
           count(*) filter (where o.state in ('failed', 'quarantined')) as failed,
           count(*) filter (where o.state in ('cancelled', 'skipped')) as cancelled,
           max(i.id) filter (where o.state = 'completed') as last_completed
      from unnest(p_tasks) i (id)
     cross join lateral (
       select t.batch from task t where t.id = i.id offset 0) t
     cross join lateral (
       select o.state from outcome o where o.id = i.id offset 0) o
     where t.batch is not null
     group by t.batch
     order by t.batch
  loop
    update batch
       set completed = completed + v_counts.completed,
           failed    = failed    + v_counts.failed,
           cancelled = cancelled + v_counts.cancelled
     where id = v_counts.batch
    returning * into v_batch;
    v_released := v_released + end_batch(v_counts.batch, v_now);
    if v_batch.in_turn and v_counts.last_completed + 1 < v_batch.first + v_batch.total then
      v_released := v_released
        + unblock(v_counts.last_completed + 1, v_now, 'split', 'the part before it has completed');
    end if;
  end loop;
  return v_released;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.slow_down(p_task bigint, p_token uuid, p_pool text, p_for interval, p_now timestamp with time zone)
 RETURNS SETOF text[]
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_names text[];
  v_pool  pool;
  v_now   timestamptz;
begin
  select coalesce(array_agg(distinct p.name) filter (where p.name is not null), '{}')
    into v_names
    from lease e
    join lane l on l.id = e.lane
    left join lateral unnest(l.pools) a (name) on true
    left join pool p on p.name = pool_named(a.name) and p.kind <> 'budget' and p.name = coalesce(p_pool, p.name)
   where e.token = p_token and e.ids @> p_task
   group by e.id;
  if not found then
    return;
  end if;
  if cardinality(v_names) = 1 then
    lock table pool in row exclusive mode; -- before the row: who changes pools locks in this order
    select * into v_pool from pool where name = v_names[1] for no key update;
    v_now := coalesce(p_now, clock_timestamp());
    update pool
       set shrunk_to = case when grows_at > v_now then shrunk_to
                            else greatest(pool_capacity(v_pool, v_now) / 2, 1) end,
           grows_at  = greatest(grows_at, v_now + greatest(p_for, interval '1 s'))
     where name = v_names[1];
  end if;
  return next v_names;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.split_again(p_batch bigint, p_generation integer, p_by text, p_now timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_now   timestamptz := coalesce(p_now, clock_timestamp());
  v_batch batch;
  v_ids   bigint[];
  v_why   text;
begin
  select * into v_batch from batch where id = p_batch for update;
  if exists (select from id_span
              where closed is not null and lo < v_batch.first + v_batch.total and hi > v_batch.first) then
    return 'its parts ended so long ago that they are being deleted; submit it anew';
  end if;
  select array_agg(id) into v_ids
    from (select id from outcome
           where id >= v_batch.first and id < v_batch.first + v_batch.total and state <> 'completed'
           order by id
             for update) o;
  select 'part ' || i.id - v_batch.first || ', task ' || i.id || ': ' || not_undone(i.id) into v_why
    from unnest(v_ids) i (id)
   where exists (select from compensation c where c.task = i.id and c.state <> 'undone')
   limit 1;
  if v_why is not null then
    return v_why;
  end if;
  with old as (
    delete from outcome where id = any (v_ids) returning *),
  tallied as (
    insert into tally (day, lane, state, n)
    select (finished_at at time zone 'UTC')::date, lane, state, -count(*)
      from old group by 1, 2, 3),
  logged as (
    insert into attempt_log (task, attempt, generation, lease, node, started_at, ended_at, ended,
                             final, result, error)
    select id, attempt, generation, lease, node, started_at, finished_at, state::text,
           true, result, error
      from old
     where lease is not null),
  again as (
    insert into block (lane, due_at, kind, first, lo, hi, attempt, generation)
    select lane, v_now, 'new', id, id, id, attempt, generation + 1
      from old
     where not v_batch.in_turn or id = v_batch.first + v_batch.completed),
  later as (
    insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes,
                        generation, by, at)
    select id, 'blocked', 'blocked', 'new', lane, v_now, attempt, 0, 0, generation + 1, 'split', v_now
      from old
     where v_batch.in_turn and id <> v_batch.first + v_batch.completed),
  told as (
    insert into event (task, at, from_state, to_state, by, why)
    select id, v_now, state,
           case when not v_batch.in_turn or id = v_batch.first + v_batch.completed
                then 'ready' else 'blocked' end::task_state,
           p_by, 'run again: the task that it is a part of runs again'
      from old)
  update batch
     set failed    = failed    - (select count(*) from old where state in ('failed', 'quarantined')),
         cancelled = cancelled - (select count(*) from old where state in ('cancelled', 'skipped')),
         ended_at = null, generation = p_generation
   where id = p_batch
  returning * into v_batch;
  if v_batch.in_turn then
    perform unblock(v_batch.first + v_batch.completed, v_now, 'split', 'the part before it has completed');
  end if;
  perform end_batch(p_batch, v_now); -- the last part may have ended a moment ago
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.step_round(p_task bigint)
 RETURNS smallint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'batchyard'
AS $function$
begin
  return (select coalesce(max(round), 0) + 1 from compensation where task = p_task);
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.take_keys(p_tasks bigint[], p_scopes key_scope[], p_types text[], p_keys text[], p_untils timestamp with time zone[], p_now timestamp with time zone)
 RETURNS bigint[]
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_refused bigint[];
begin
  with asked as materialized (
    select *
      from unnest(p_tasks, p_scopes, p_types, p_keys, p_untils)
           with ordinality a (task, scope, type, key, until, n)),
  taken as (
    insert into task_key as k (scope, type, key, task, until)
    select distinct on (scope, type, key) scope, type, key, task, until
      from asked
     order by scope, type, key, n
        on conflict (scope, type, key) do update
       set task = excluded.task, until = excluded.until
     where k.until <= p_now
    returning k.task, k.scope)
  select array_agg(distinct task) into v_refused
    from asked
   where (task, scope) not in (select t.task, t.scope from taken t);
  if v_refused is not null and cardinality(p_tasks) > cardinality(v_refused) then
    delete from task_key
     where ctid = any (array(
       select k.ctid
         from unnest(p_tasks, p_scopes, p_types, p_keys) a (task, scope, type, key)
        cross join lateral (
          select k.ctid
            from task_key k
           where k.scope = a.scope and k.type = a.type and k.key = a.key and k.task = a.task
          offset 0) k
        where a.task = any (v_refused)));
  end if;
  return coalesce(v_refused, '{}');
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.unblock(p_task bigint, p_now timestamp with time zone, p_by text, p_why text)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_parked parked;
begin
  select * into v_parked from parked where id = p_task for update;
  if not found then
    return 0; -- nobody waits, or a person has cancelled it
  end if;
  if v_parked.state = 'paused' then
    update parked set from_state = 'ready', due_at = p_now
     where id = p_task and from_state = 'blocked';
    return 0;
  end if;
  delete from parked where id = p_task;
  insert into block (lane, due_at, kind, first, lo, hi, attempt, failures, crashes, generation)
  values (v_parked.lane, p_now, v_parked.kind, p_task, p_task, p_task,
          v_parked.attempt, v_parked.failures, v_parked.crashes, v_parked.generation);
  insert into event (task, at, from_state, to_state, by, why)
  values (p_task, p_now, 'blocked', 'ready', p_by, p_why);
  return 1;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.undo(p_tasks bigint[], p_now timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_task     bigint;
  v_released integer := 0;
begin
  foreach v_task in array p_tasks loop
    v_released := v_released + undo_steps(v_task, p_now);
  end loop;
  return v_released + undo_ended(p_tasks, p_now);
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.undo_again(p_undo_task bigint, p_now timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_step  step;
  v_first step;
begin
  select * into v_step from step where undo_task = p_undo_task;
  if not found then
    return null;
  end if;
  perform from compensation where task = v_step.task and round = v_step.round for update;
  select * into v_first from step
   where task = v_step.task and round = v_step.round and undo_task is not null and undone_at is null
   order by number desc
   limit 1;
  if v_first.number > v_step.number then
    return format(
      'it is not its turn: it undoes step %L of task %s, and task %s has to undo %L before it',
      v_step.name, v_step.task, v_first.undo_task, v_first.name);
  end if;
  update compensation set state = 'undoing', moved_at = p_now
   where task = v_step.task and round = v_step.round and state = 'needs_person';
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.undo_ended(p_tasks bigint[], p_now timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_now      timestamptz := coalesce(p_now, clock_timestamp());
  v_released integer := 0;
  v_step     record;
begin
  for v_step in
    select s.task, s.round
      from unnest(p_tasks) i (id)
     cross join lateral (
       select s.task, s.round, s.number from step s where s.undo_task = i.id offset 0) s
     cross join lateral (
       select count(*) as steps
         from step n
        where n.task = s.task and n.round = s.round and n.number > s.number
          and n.undo_task is not null and n.undone_at is null) later
     where later.steps = 0
     order by s.task, s.round
  loop
    perform from compensation where task = v_step.task and round = v_step.round for update;
    v_released := v_released + undo_next(v_step.task, v_step.round, v_now);
  end loop;
  return v_released;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.undo_next(p_task bigint, p_round smallint, p_now timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_step  step;
  v_end   task_state;
  v_state text;
begin
  loop
    select * into v_step from step
     where task = p_task and round = p_round and undo_task is not null and undone_at is null
     order by number desc
     limit 1;
    v_state := case when found then 'undoing' else 'undone' end;
    select state into v_end from outcome where id = v_step.undo_task;
    if v_end = 'completed' then
      update step set undone_at = p_now
       where task = p_task and round = p_round and name = v_step.name;
      continue;
    elsif v_end is not null then
      v_state := 'needs_person';
    end if;
    update compensation set state = v_state, moved_at = p_now
     where task = p_task and round = p_round and state <> v_state;
    if v_state <> 'undoing' then
      return 0;
    elsif unblock(v_step.undo_task, p_now, 'undo', 'it is its turn to undo a step') = 1 then
      return 1;
    end if;
    -- a person may have cancelled it while it was blocked, a moment ago; else it is ready or runs
    exit when not exists (select from outcome where id = v_step.undo_task);
  end loop;
  return 0;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.undo_steps(p_task bigint, p_now timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_now   timestamptz := coalesce(p_now, clock_timestamp());
  v_round smallint;
  v_from  lane;
  v_step  step;
  v_lane  integer;
  v_id    bigint;
  v_ready integer := 0;
begin
  if not exists (select from step where task = p_task) then
    return 0;
  end if;
  v_round := step_round(p_task);
  select l.* into v_from
    from (select t.lane from task t where t.id = p_task offset 0) t
   cross join lateral (select l.* from lane l where l.id = t.lane offset 0) l;
  for v_step in
    select * from step
     where task = p_task and round = v_round and undo_type is not null
     order by number desc
  loop
    v_lane := lane_of(v_from.queue, v_step.undo_type, v_from.priority, v_from.requirement, '{}', '{}');
    v_id := nextval('task_id');
    if v_ready = 0 then
      insert into compensation (task, round, state, began_at, moved_at)
      values (p_task, v_round, 'undoing', v_now, v_now);
      insert into block (lane, due_at, first, lo, hi) values (v_lane, v_now, v_id, v_id, v_id);
    else
      insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes,
                          generation, by, at)
      values (v_id, 'blocked', 'blocked', 'new', v_lane, v_now, 0, 0, 0, 1, 'undo', v_now);
    end if;
    insert into task (id, submitted_at, lane, flags, label, params, retry)
    values (v_id, v_now, v_lane, case v_ready when 0 then 16 else 16 + 8 end, v_step.name,
            v_step.undo_params,
            coalesce((select name from retry_policy where name = v_step.undo_retry), 'critical'));
    update step set undo_task = v_id
     where task = p_task and round = v_round and name = v_step.name and undo_task is null;
    if not found then
      raise exception 'task %: step % is undone twice', p_task, v_step.name using errcode = 'BY002';
    end if;
    v_ready := 1;
  end loop;
  return v_ready;
end $function$
;

CREATE OR REPLACE FUNCTION batchyard.unsettle(p_task bigint, p_now timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'batchyard'
AS $function$
declare
  v_task   task;
  v_type   text;
  v_state  task_state;
  v_holder bigint;
  v_batch  batch;
  v_why    text;
  v_now    timestamptz := coalesce(p_now, clock_timestamp());
begin
  v_why := not_undone(p_task);
  if v_why is not null then
    return v_why;
  end if;
  select * into v_task from task where id = p_task;
  if v_task.flags = 0 then
    return null;
  end if;
  if v_task.flags & 16 <> 0 then
    v_why := undo_again(p_task, v_now);
    if v_why is not null then
      return v_why;
    end if;
  end if;
  if v_task.flags & 8 <> 0
     and exists (select from batch where then_task = p_task and ended_at is null) then
    return (select 'it runs after batch ' || id || ', which has not ended'
              from batch where then_task = p_task);
  end if;
  if v_task.limits is not null then
    if (v_task.limits ->> 'deadline')::timestamptz <= v_now then
      v_task.limits := v_task.limits - 'deadline'; -- who reruns it has decided
    end if;
    insert into expiry (task, queue_timeout, start_by, end_by, by_deadline, look_at)
    select p_task, x.queue_timeout, x.start_by, x.end_by, x.by_deadline, least(x.start_by, x.end_by)
      from expiry_of(v_task.limits, v_now, v_now) x
        on conflict (task) do update
       set start_by = excluded.start_by, end_by = excluded.end_by,
           by_deadline = excluded.by_deadline, look_at = excluded.look_at;
  end if;
  if v_task.live_key is not null then
    select type into v_type from lane where id = v_task.lane;
    insert into task_key (scope, type, key, task, until)
    values ('live', v_type, v_task.live_key, p_task, 'infinity')
        on conflict do nothing;
    if not found then
      select task into v_holder from task_key
       where scope = 'live' and type = v_type and key = v_task.live_key;
      if not found then
        perform fail('40001', 'the holder of a key has just ended');
      end if;
      return 'task ' || v_holder || ' holds its key ' || quote_literal(v_task.live_key)
             || ' among live tasks; it can run again when that one has ended';
    end if;
  end if;
  if v_task.batch is not null then
    select state into v_state from outcome where id = p_task;
    update batch
       set completed = completed - (v_state = 'completed')::integer,
           failed    = failed    - (v_state in ('failed', 'quarantined'))::integer,
           cancelled = cancelled - (v_state in ('cancelled', 'skipped'))::integer
     where id = v_task.batch
    returning * into v_batch;
    if v_batch.in_turn and p_task <> v_batch.first + v_batch.completed then
      return format(
        'it is not its turn: the parts of task %s go one after the other, and task %s is at its turn; run that one again, or task %s',
        v_batch.then_task, v_batch.first + v_batch.completed, v_batch.then_task);
    end if;
  end if;
  return null;
end $function$
;
