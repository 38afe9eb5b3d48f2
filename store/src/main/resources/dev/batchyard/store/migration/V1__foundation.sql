-- The tables of Batchyard. What waits and what runs are ranges of task ids (block, lease); what has
-- ended is one appended row (outcome); the wide row of a task is written once and never updated.
-- docs/adr/003 says why, with figures.

create type task_state as enum
  ('scheduled', 'blocked', 'ready', 'running', 'retrying', 'paused',
   'completed', 'failed', 'cancelled', 'skipped', 'quarantined');

-- Made from dev.batchyard.engine.task.Transitions; a test compares the two.
create table legal_move (
  from_state task_state not null,
  to_state   task_state not null,
  primary key (from_state, to_state));

insert into legal_move values
  ('scheduled', 'ready'), ('scheduled', 'paused'), ('scheduled', 'cancelled'),
  ('blocked', 'ready'), ('blocked', 'paused'), ('blocked', 'skipped'), ('blocked', 'cancelled'),
  ('ready', 'running'), ('ready', 'paused'), ('ready', 'cancelled'), ('ready', 'skipped'),
  ('ready', 'failed'),
  ('running', 'completed'), ('running', 'failed'), ('running', 'retrying'), ('running', 'paused'),
  ('running', 'cancelled'), ('running', 'quarantined'), ('running', 'ready'),
  ('running', 'scheduled'), ('running', 'blocked'),
  ('retrying', 'ready'), ('retrying', 'paused'), ('retrying', 'cancelled'), ('retrying', 'failed'),
  ('paused', 'scheduled'), ('paused', 'blocked'), ('paused', 'ready'), ('paused', 'retrying'),
  ('paused', 'cancelled'),
  ('failed', 'ready'), ('failed', 'completed'), ('cancelled', 'ready'), ('quarantined', 'ready');

create table retry_policy (
  name        text primary key,
  retries     smallint not null check (retries between 0 and 100),
  backoff     text     not null check (backoff in ('exponential', 'linear')),
  first_delay interval not null,
  max_delay   interval not null check (max_delay >= first_delay));

insert into retry_policy values
  ('default', 3, 'exponential', '1 s', '60 s'),
  ('critical', 5, 'linear', '5 s', '300 s');

create table queue (
  name      text primary key,
  age_step  interval not null default '60 s',
  paused_by text,
  paused_at timestamptz);

insert into queue (name) values ('default');

-- A lane is what a claim can walk: tasks of one queue, type and priority, in order of (due, block).
create table lane (
  id       integer generated always as identity primary key,
  queue    text     not null references queue,
  type     text     not null,
  priority smallint not null check (priority between 0 and 7),
  unique (type, queue, priority));

create sequence task_id;

-- due_at: only where it lay ahead at the submit.
create table task (
  id           bigint      not null primary key,
  lane         integer     not null,
  label        text        not null,
  params       jsonb       not null,
  retry        text        not null,
  key          text,
  due_at       timestamptz,
  submitted_at timestamptz not null
) partition by range (id);

-- One idempotency key per type, for as long as the task is kept.
create table task_key (
  type text   not null,
  key  text   not null,
  task bigint not null,
  primary key (type, key));

-- How a task ended. Written once; an operator's rerun moves it to attempt_log.
-- lease: only if the attempt itself ended it, so that a repeated finish knows its own first try;
-- null when a person or a rescue did. The same holds for attempt_log.
create table outcome (
  id          bigint      not null primary key,
  type        text        not null,
  state       task_state  not null
    check (state in ('completed', 'failed', 'cancelled', 'skipped', 'quarantined')),
  lane        integer     not null,
  attempt     integer     not null,
  failures    smallint    not null,
  crashes     smallint    not null,
  generation  smallint    not null,
  lease       bigint,
  node        text,
  started_at  timestamptz,
  finished_at timestamptz not null,
  result      jsonb,
  error       jsonb
) partition by range (id);

create index outcome_bad on outcome (state, type, id) where state <> 'completed';

create table task_0 partition of task for values from (0) to (10000000);
create table outcome_0 partition of outcome for values from (0) to (10000000);

-- How many outcomes there are, by the day (UTC) of their end: what adds outcomes or takes some away
-- appends rows here in the same statement, so that the sums are exact at every commit; upkeep rolls
-- rows of one key into one.
create table tally (
  day   date       not null,
  lane  integer    not null,
  state task_state not null,
  n     bigint     not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        vacuum_truncate = false);

create type block_kind as enum ('new', 'retry', 'snooze');

-- What waits: neighbouring ids lo..hi with the same counters. first, bid, lane and due_at never
-- change: a claim that waits for a row joins its delete by them under an older snapshot.
-- whole: the ids of this block are leased together and with no others (halves of a lease whose node
-- died); a whole block of one id is a suspect and runs alone on its node.
create table block (
  bid        bigint      generated always as identity,
  lane       integer     not null,
  due_at     timestamptz not null,
  kind       block_kind  not null default 'new',
  whole      boolean     not null default false,
  first      bigint      not null,
  lo         bigint      not null,
  hi         bigint      not null,
  attempt    integer     not null default 0,
  failures   smallint    not null default 0,
  crashes    smallint    not null default 0,
  generation smallint    not null default 1,
  primary key (lane, due_at, bid),
  check (lo <= hi and first <= lo and hi - first < 500)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        vacuum_truncate = false);

create index block_first on block (first);

-- What runs: one row per claimed piece. attempt is the number of the attempts that run under it.
-- asked: tasks with a row in request. Who waits for the lock of this row sees it, though not yet the
-- request itself: its snapshot is older.
create table lease (
  id         bigint         generated always as identity primary key,
  token      uuid           not null,
  boot       uuid           not null,
  lane       integer        not null,
  due_at     timestamptz    not null,
  whole      boolean        not null,
  attempt    integer        not null,
  failures   smallint       not null,
  crashes    smallint       not null,
  generation smallint       not null,
  ids        int8multirange not null,
  asked      int8multirange not null default '{}',
  claimed_at timestamptz    not null
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        vacuum_truncate = false);

create index lease_token on lease (token);

-- Undoes a statement that finds out by itself that it must not go on: BY002 is a bug, 40001 a race
-- that was lost and is run again.
create function fail(p_code text, p_message text) returns text language plpgsql as $$
begin
  raise exception '%', p_message using errcode = p_code;
end $$;

-- Waits for something other than time: a person (paused) or other tasks (blocked).
create table parked (
  id         bigint      primary key,
  state      task_state  not null check (state in ('paused', 'blocked')),
  from_state task_state  not null
    check (from_state in ('scheduled', 'blocked', 'ready', 'retrying')),
  kind       block_kind  not null,
  lane       integer     not null,
  due_at     timestamptz not null,
  attempt    integer     not null,
  failures   smallint    not null,
  crashes    smallint    not null,
  generation smallint    not null,
  by         text        not null,
  at         timestamptz not null);

-- A request to an attempt that runs; deleted with it.
create table request (
  task bigint      primary key,
  kind text        not null check (kind in ('pause', 'cancel')),
  boot uuid        not null,
  by   text        not null,
  at   timestamptz not null);

create index request_boot on request (boot);

-- Tasks that run for longer than a second; written at most once a second; deleted with the attempt.
create table running (
  task         bigint      primary key,
  lease        bigint      not null,
  node         text        not null,
  started_at   timestamptz not null,
  items        bigint      not null,
  fraction     real        not null,
  rate         real        not null,
  remaining_ms bigint,
  at           timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        vacuum_truncate = false);

-- A process that claims tasks, by boot. Ends by fenced_at, once and for ever. A row stays as long as
-- a lease names it.
create table node (
  boot         uuid        primary key,
  name         text        not null,
  host         text        not null,
  pid          bigint      not null,
  version      text        not null,
  types        text[]      not null,
  slots        integer     not null,
  lock_key     bigint      not null,
  started_at   timestamptz not null,
  beat_at      timestamptz not null,
  lease_until  timestamptz not null,
  free_seen_at timestamptz,
  fenced_at    timestamptz,
  fenced_why   text,
  refused      bigint      not null default 0
) with (fillfactor = 20);

-- Ledger and last committed position of a task; outlives attempts.
create table checkpoint (
  task     bigint      not null,
  shard    integer     not null,
  position jsonb       not null,
  read     bigint      not null,
  written  bigint      not null,
  skipped  bigint      not null,
  rejected bigint      not null,
  lease    bigint      not null,
  moved_at timestamptz not null default clock_timestamp(),
  primary key (task, shard),
  check (read = written + skipped + rejected)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create table reject (
  task       bigint      not null,
  generation smallint    not null,
  shard      integer     not null,
  number     bigint      not null,
  "column"   text        not null,
  reason     text        not null,
  raw        text        not null,
  at         timestamptz not null default clock_timestamp(),
  primary key (task, number, shard, generation));

-- Attempts that did not end their task, and the ends that a rerun replaced (final).
create table attempt_log (
  id         bigint      generated always as identity primary key,
  task       bigint      not null,
  attempt    integer     not null,
  generation smallint    not null,
  lease      bigint,
  node       text,
  started_at timestamptz,
  ended_at   timestamptz not null,
  ended      text        not null
    check (ended in ('failed', 'lost', 'released', 'paused', 'snoozed', 'completed', 'cancelled',
                     'skipped', 'quarantined')),
  final      boolean     not null default false,
  result     jsonb,
  error      jsonb);

create index attempt_log_task on attempt_log (task, id);
create index attempt_log_lease on attempt_log (lease) where lease is not null;

-- Exceptional moves: what the other rows do not imply.
create table event (
  id         bigint      generated always as identity primary key,
  task       bigint      not null,
  at         timestamptz not null,
  from_state task_state  not null,
  to_state   task_state  not null,
  by         text        not null,
  why        text        not null,
  foreign key (from_state, to_state) references legal_move);

create index event_task on event (task, id);

-- The log of attempts, in partitions by day that retention drops.
create table log_line (
  id      bigint      generated always as identity,
  task    bigint      not null,
  attempt integer     not null,
  at      timestamptz not null,
  level   text        not null check (level in ('info', 'warn', 'error')),
  text    text        not null
) partition by range (at);

create index log_line_task on log_line (task, id);
create table log_line_default partition of log_line default;

-- Moves a task's position and ledger in the transaction that wrote the items which they cover. Called
-- on the sink's connection. The lease's row is locked last, so that a process that freezes in the
-- middle holds it as rarely as can be. BY001: the lease is lost, nothing may be committed.
create function commit_chunk(
  p_task bigint, p_token uuid, p_shard integer, p_generation integer, p_position jsonb,
  p_read bigint, p_written bigint, p_skipped bigint, p_rejected bigint, p_rejects jsonb)
returns void language plpgsql set search_path from current as $$
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
end $$;

-- The last committed position of a task, for its current owner. No row: nothing committed yet.
create function read_checkpoint(p_task bigint, p_token uuid, p_shard integer)
returns table ("position" text, read bigint, written bigint, skipped bigint, rejected bigint)
language plpgsql set search_path from current as $$
begin
  perform 1 from lease where token = p_token and ids @> p_task;
  if not found then
    raise exception 'task %: the lease is lost', p_task using errcode = 'BY001';
  end if;
  return query
    select c.position::text, c.read, c.written, c.skipped, c.rejected
      from checkpoint c
     where c.task = p_task and c.shard = p_shard;
end $$;

-- Whether a session in this database holds the advisory lock of a node. Looked up, never tried: a try
-- that succeeds would make the lock look held.
create function node_lock_held(p_lock_key bigint) returns boolean language sql as $$
  select exists (
    select from pg_locks
     where locktype = 'advisory' and granted and objsubid = 1
       and database = (select oid from pg_database where datname = current_database())
       and classid  = ((p_lock_key >> 32) & 4294967295)::oid
       and objid    = (p_lock_key & 4294967295)::oid)
$$;

-- One beat of a node: renews its lease unless it is fenced (a lapsed one may renew: after an outage
-- every node must be able to go on), notes whose locks are free, fences whom it may. Rows of other
-- nodes are locked with skip locked: two beats never wait for each other. No row: the node is fenced.
create function beat(
  p_boot uuid, p_lease interval, p_may_fence boolean, p_refused bigint, p_now timestamptz)
returns table (pauses bigint[], cancels bigint[], releasable boolean)
language plpgsql set search_path from current as $$
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
end $$;
