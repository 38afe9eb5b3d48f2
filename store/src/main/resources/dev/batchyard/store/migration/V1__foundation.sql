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
  unique (queue, type, priority));

create sequence task_id;

create table task (
  id           bigint      not null primary key,
  lane         integer     not null,
  label        text        not null,
  params       jsonb       not null,
  retry        text        not null,
  key          text,
  submitted_at timestamptz not null default clock_timestamp()
) partition by range (id);

-- One idempotency key per type, for as long as the task is kept.
create table task_key (
  type text   not null,
  key  text   not null,
  task bigint not null,
  primary key (type, key));

-- How a task ended. Written once; an operator's rerun moves it to attempt_log.
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
  finished_at timestamptz not null default clock_timestamp(),
  result      jsonb,
  error       jsonb
) partition by range (id);

create index outcome_bad on outcome (type, id desc) where state <> 'completed';

create table task_0 partition of task for values from (0) to (10000000);
create table outcome_0 partition of outcome for values from (0) to (10000000);

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
  claimed_at timestamptz    not null default clock_timestamp()
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        vacuum_truncate = false);

create index lease_token on lease (token);

-- Waits for something other than time: a person (paused) or other tasks (blocked).
create table parked (
  id         bigint      primary key,
  state      task_state  not null check (state in ('paused', 'blocked')),
  from_state task_state  not null,
  kind       block_kind  not null,
  lane       integer     not null,
  due_at     timestamptz not null,
  attempt    integer     not null,
  failures   smallint    not null,
  crashes    smallint    not null,
  generation smallint    not null,
  by         text        not null,
  at         timestamptz not null default clock_timestamp());

-- A request to an attempt that runs; deleted with it.
create table request (
  task bigint      primary key,
  kind text        not null check (kind in ('pause', 'cancel')),
  boot uuid        not null,
  by   text        not null,
  at   timestamptz not null default clock_timestamp());

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
  at           timestamptz not null default clock_timestamp()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        vacuum_truncate = false);

-- A process that claims tasks, by boot. Ends by fenced_at, once and for ever.
create table node (
  boot         uuid        primary key,
  name         text        not null,
  host         text        not null,
  pid          bigint      not null,
  version      text        not null,
  types        text[]      not null,
  slots        integer     not null,
  lock_key     bigint      not null,
  started_at   timestamptz not null default clock_timestamp(),
  beat_at      timestamptz not null default clock_timestamp(),
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

-- Attempts that did not end their task, and the ends that a rerun replaced.
create table attempt_log (
  id         bigint      generated always as identity primary key,
  task       bigint      not null,
  attempt    integer     not null,
  generation smallint    not null,
  lease      bigint,
  node       text,
  started_at timestamptz,
  ended_at   timestamptz not null default clock_timestamp(),
  ended      text        not null
    check (ended in ('failed', 'lost', 'released', 'paused', 'snoozed', 'completed', 'cancelled',
                     'skipped', 'quarantined')),
  result     jsonb,
  error      jsonb);

create index attempt_log_task on attempt_log (task, id);
create index attempt_log_lease on attempt_log (lease);

-- Exceptional moves: what the other rows do not imply.
create table event (
  id         bigint      generated always as identity primary key,
  task       bigint      not null,
  at         timestamptz not null default clock_timestamp(),
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
