package dev.batchyard.app.process;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.Event;
import dev.batchyard.engine.task.Transitions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What must be true of a store when all of its tasks have ended, whatever was done to it and to its
 * nodes: one method for each invariant, which tells what violates it. Reads the tables themselves
 * and compares them with the journal of the clients, in the database, so that it needs no more
 * memory for many tasks than for few.
 */
final class HistoryChecker {

  static final String ACKNOWLEDGED_TASKS_EXIST = "acknowledged tasks exist";
  static final String EVERY_TASK_WAS_SUBMITTED = "every task was submitted";
  static final String NO_SUBMIT_IS_STORED_TWICE = "no submit is stored twice";
  static final String CALLS_ARE_ALL_OR_NONE = "calls are all or none";
  static final String REFUSED_SUBMITS_NAME_HOLDER = "refused submits name a holder";
  static final String CALLS_FAIL_ONLY_WHILE_AWAY = "calls fail only while the store is away";
  static final String ONE_TASK_OF_IDEMPOTENCY_KEY = "one task of an idempotency key";
  static final String ONE_LIVE_TASK_OF_KEY = "one live task of a key";
  static final String ONE_TASK_WITHIN_PERIOD = "one task of a key within its period";
  static final String EVERY_TASK_HAS_ENDED_ONCE = "every task has ended once";
  static final String NOTHING_IS_LEFT = "nothing is left";
  static final String ATTEMPTS_ARE_NUMBERED_WITHOUT_GAPS = "attempts are numbered without gaps";
  static final String ATTEMPT_RUNS_ITS_HANDLER_ONCE = "an attempt runs its handler once";
  static final String SUMS_EQUAL_OUTCOMES = "sums equal outcomes";
  static final String OUTCOMES_ARE_THEIR_HANDLERS_OWN = "outcomes are their handlers' own";
  static final String FAILURES_ARE_WITHIN_POLICY = "failures are within the policy";
  static final String BATCHES_COUNT_THEIR_MEMBERS = "batches count their members";
  static final String THEN_TASK_WAITS_FOR_ITS_BATCH = "a then task waits for its batch";
  static final String HISTORIES_ARE_LEGAL = "histories are legal";
  static final String MOVES_FOLLOW_EACH_OTHER = "moves follow each other";
  static final String STEPS_ARE_DONE_OR_UNDONE = "steps are done once, or undone";

  /** Of these, a violation is a task or an effect that was lost. */
  static final Set<String> OF_LOSS =
      Set.of(
          ACKNOWLEDGED_TASKS_EXIST,
          CALLS_ARE_ALL_OR_NONE,
          EVERY_TASK_HAS_ENDED_ONCE,
          NOTHING_IS_LEFT,
          MoveChecker.CANCELS_HOLD,
          EffectChecker.CHECKPOINTS_COVER_ITEMS,
          EffectChecker.SUBMITS_OF_HANDLERS_HOLD);

  /** Of these, a violation is a task or an effect that was doubled. */
  static final Set<String> OF_DOUBLES =
      Set.of(
          EVERY_TASK_WAS_SUBMITTED,
          NO_SUBMIT_IS_STORED_TWICE,
          ONE_TASK_OF_IDEMPOTENCY_KEY,
          ONE_LIVE_TASK_OF_KEY,
          ONE_TASK_WITHIN_PERIOD,
          ATTEMPT_RUNS_ITS_HANDLER_ONCE,
          EffectChecker.ITEMS_ARE_COMMITTED_ONCE);

  private final Rows db;
  private final TaskViews views;
  private final int tasks;
  private final Map<String, Invariant> all = new LinkedHashMap<>();

  /** One invariant. */
  interface Invariant {
    List<String> violations() throws SQLException;
  }

  /**
   * Over a connection on which nothing is changed but tables of its own.
   *
   * @param views for the histories
   */
  HistoryChecker(Connection db, Journal journal, TaskViews views) throws SQLException {
    this.db = new Rows(db);
    this.views = views;
    all.put(ACKNOWLEDGED_TASKS_EXIST, this::acknowledgedTasksExist);
    all.put(EVERY_TASK_WAS_SUBMITTED, this::everyTaskWasSubmitted);
    all.put(NO_SUBMIT_IS_STORED_TWICE, this::noSubmitIsStoredTwice);
    all.put(CALLS_ARE_ALL_OR_NONE, this::callsAreAllOrNone);
    all.put(REFUSED_SUBMITS_NAME_HOLDER, this::refusedSubmitsNameHolder);
    all.put(CALLS_FAIL_ONLY_WHILE_AWAY, journal::surprises);
    all.put(ONE_TASK_OF_IDEMPOTENCY_KEY, this::oneTaskOfIdempotencyKey);
    all.put(ONE_LIVE_TASK_OF_KEY, this::oneLiveTaskOfKey);
    all.put(ONE_TASK_WITHIN_PERIOD, this::oneTaskWithinPeriod);
    all.put(EVERY_TASK_HAS_ENDED_ONCE, this::everyTaskHasEndedOnce);
    all.put(NOTHING_IS_LEFT, this::nothingIsLeft);
    all.put(ATTEMPTS_ARE_NUMBERED_WITHOUT_GAPS, this::attemptsAreNumberedWithoutGaps);
    all.put(ATTEMPT_RUNS_ITS_HANDLER_ONCE, this::attemptRunsItsHandlerOnce);
    all.put(SUMS_EQUAL_OUTCOMES, this::sumsEqualOutcomes);
    all.put(OUTCOMES_ARE_THEIR_HANDLERS_OWN, this::outcomesAreTheirHandlersOwn);
    all.put(FAILURES_ARE_WITHIN_POLICY, this::failuresAreWithinPolicy);
    all.put(BATCHES_COUNT_THEIR_MEMBERS, this::batchesCountTheirMembers);
    all.put(THEN_TASK_WAITS_FOR_ITS_BATCH, this::thenTaskWaitsForItsBatch);
    all.put(HISTORIES_ARE_LEGAL, this::historiesAreLegal);
    all.put(MOVES_FOLLOW_EACH_OTHER, this::movesFollowEachOther);
    all.putAll(new MoveChecker(this.db, journal).all());
    all.putAll(new EffectChecker(this.db).all());
    all.put(STEPS_ARE_DONE_OR_UNDONE, () -> CompensationChecker.cases(db));
    Told.write(db, journal);
    int[] count = {0};
    this.db.each("select count(*) from stored", row -> count[0] = row.getInt(1));
    tasks = count[0];
  }

  /** {@return how many tasks there are} */
  int tasks() {
    return tasks;
  }

  /** {@return what is violated, by the names of the invariants; empty if nothing is} */
  Map<String, List<String>> check() throws SQLException {
    Map<String, List<String>> found = new LinkedHashMap<>();
    for (Map.Entry<String, Invariant> each : all.entrySet()) {
      List<String> violations = each.getValue().violations();
      if (!violations.isEmpty()) {
        found.put(each.getKey(), violations);
      }
    }
    return found;
  }

  /** {@return what is violated of one invariant; empty if nothing is} */
  List<String> check(String invariant) throws SQLException {
    return Objects.requireNonNull(all.get(invariant), invariant).violations();
  }

  /** {@return the names of all invariants} */
  Set<String> invariants() {
    return all.keySet();
  }

  private List<String> acknowledgedTasksExist() throws SQLException {
    return db.some(
        """
        select t.number, 'was acknowledged as task', t.task, 'which is', s.number
          from told t left join stored s on s.id = t.task
         where t.fresh and s.number is distinct from t.number
        """);
  }

  private List<String> everyTaskWasSubmitted() throws SQLException {
    return db.some(
        """
        select s.id, 'is number', s.number, 'whose submit was told', t.task
          from stored s left join told t using (number)
         where t.number is null or t.task <> s.id
        """);
  }

  private List<String> noSubmitIsStoredTwice() throws SQLException {
    return db.some(
        """
        select number, array_agg(id) from stored group by number having count(*) > 1
        """);
  }

  private List<String> callsAreAllOrNone() throws SQLException {
    return db.some(
        """
        select count(*), 'of', t.size, 'tasks from number', t.first
          from told t join stored s using (number)
         where t.keyless
         group by t.first, t.size
        having count(*) <> t.size
        """);
  }

  private List<String> refusedSubmitsNameHolder() throws SQLException {
    return db.some(
        """
        select t.*, s.*
          from told t left join stored s on s.id = t.task
         where not t.fresh
           and (s.number = t.number or s.key = t.key or s.live_key = t.live
                or s.period_key = t.period) is not true
        """);
  }

  private List<String> oneTaskOfIdempotencyKey() throws SQLException {
    return db.some(
        """
        select l.type, t.key, array_agg(t.id)
          from batchyard.task t join batchyard.lane l on l.id = t.lane
         where t.key is not null
         group by l.type, t.key
        having count(*) > 1
        """);
  }

  /**
   * A life begins with a submit or a rerun and ends with the first end after it. Its instants are
   * those at which statements began, and they wait for each other: hence the second.
   */
  private List<String> oneLiveTaskOfKey() throws SQLException {
    return db.some(
        """
        with keyed as materialized (
          select t.id, l.type, t.live_key, t.submitted_at
            from batchyard.task t join batchyard.lane l on l.id = t.lane
           where t.live_key is not null),
        begun as (
          select id, submitted_at as at from keyed
          union all
          select task, at from batchyard.event
           where from_state in ('failed', 'cancelled', 'quarantined')),
        ended as (
          select id, finished_at as at from batchyard.outcome
          union all
          select task, ended_at from batchyard.attempt_log where final
          union all
          select task, at from batchyard.event
           where to_state in ('failed', 'cancelled', 'quarantined')),
        life as (
          select k.type, k.live_key, k.id, b.at as from_at, min(e.at) as to_at
            from keyed k
            join begun b on b.id = k.id
            left join ended e on e.id = k.id and e.at >= b.at
           group by 1, 2, 3, 4),
        seen as (
          select *, max(coalesce(to_at, 'infinity')) over w as before,
                 lag(id) over (partition by type, live_key order by from_at, id) as other
            from life
          window w as (partition by type, live_key order by from_at, id
                       rows between unbounded preceding and 1 preceding))
        select type, live_key, id, from_at, 'while', other, 'lived until', before
          from seen
         where before > from_at + interval '1 s'
        """);
  }

  private List<String> oneTaskWithinPeriod() throws SQLException {
    return db.some(
        """
        select *
          from (select t.period_key, t.id, t.submitted_at, l.type,
                       lag(t.submitted_at + t.period) over w as until, lag(t.id) over w as other
                  from batchyard.task t join batchyard.lane l on l.id = t.lane
                 where t.period_key is not null
                window w as (partition by l.type, t.period_key order by t.submitted_at)) s
         where submitted_at < until
        """);
  }

  private List<String> everyTaskHasEndedOnce() throws SQLException {
    return db.some(
        """
        select coalesce(t.id, o.id) as id, count(t.id) as tasks, count(o.id) as outcomes
          from batchyard.task t full join batchyard.outcome o on o.id = t.id
         group by 1
        having count(t.id) <> 1 or count(o.id) <> 1
        """);
  }

  private List<String> nothingIsLeft() throws SQLException {
    return db.some(
        """
        select 'block', lo, hi from batchyard.block
        union all select 'lease', id, null from batchyard.lease
        union all select 'parked', id, null from batchyard.parked
        union all select 'request', task, null from batchyard.request
        union all select 'running', task, null from batchyard.running
        union all select 'expiry', task, null from batchyard.expiry
        union all select 'live key', task, null from batchyard.task_key where scope = 'live'
        """);
  }

  private List<String> attemptsAreNumberedWithoutGaps() throws SQLException {
    return db.some(
        """
        select o.id, o.attempt, a.numbers
          from batchyard.outcome o
          left join (select task, array_agg(attempt order by attempt) as numbers
                       from batchyard.attempt_log group by task) a on a.task = o.id
         where coalesce(a.numbers, '{}')
               || case when o.lease is null then '{}' else array[o.attempt] end
               <> array(select generate_series(1, o.attempt))
        """);
  }

  private List<String> attemptRunsItsHandlerOnce() throws SQLException {
    return db.some(
        """
        select d.task, d.attempt, count(*), o.attempt
          from public.deed d left join batchyard.outcome o on o.id = d.task
         group by d.task, d.attempt, o.attempt
        having count(*) > 1 or d.attempt > coalesce(o.attempt, 0)
        union all
        select o.id, o.attempt, 0, o.attempt
          from batchyard.outcome o
          join batchyard.task t on t.id = o.id and t.params ->> 'deed' = 'write'
         where o.state = 'completed'
           and not exists (select from public.deed d where d.task = o.id and d.attempt = o.attempt)
        """);
  }

  private List<String> sumsEqualOutcomes() throws SQLException {
    return db.some(
        """
        select day, lane, state, t.n, o.n
          from (select day, lane, state, sum(n) as n from batchyard.tally
                 group by day, lane, state) t
          full join (select (finished_at at time zone 'UTC')::date as day, lane, state,
                            count(*) as n
                       from batchyard.outcome
                      group by 1, 2, 3) o using (day, lane, state)
         where coalesce(t.n, 0) <> coalesce(o.n, 0)
        """);
  }

  private List<String> outcomesAreTheirHandlersOwn() throws SQLException {
    return db.some(
        """
        select o.id, s.number, o.state, o.result
          from batchyard.outcome o
          join stored s on s.id = o.id
          left join told t on t.number = s.number
         where coalesce(o.error ->> 'kind', '')
               not in ('QueueTimeout', 'TotalTimeout', 'DeadlinePassed')
           and case o.state
                 when 'completed'
                 then (t.may_complete and (o.result ->> 'number')::bigint = s.number) is not true
                 when 'failed' then t.may_fail is not true
               end
        """);
  }

  private List<String> failuresAreWithinPolicy() throws SQLException {
    return db.some(
        """
        select o.id, o.state, o.failures, p.retries
          from batchyard.outcome o
          join batchyard.task t on t.id = o.id
          join batchyard.retry_policy p on p.name = t.retry
         where o.failures > p.retries + (o.state = 'failed')::integer
            or (o.state = 'failed' and o.lease is not null and t.params ->> 'deed' = 'fail_at_times'
                and o.failures <> p.retries + 1)
        """);
  }

  private List<String> batchesCountTheirMembers() throws SQLException {
    return db.some(
        """
        select b.id, b.total, b.completed, b.failed, b.cancelled, b.sealed_at, b.ended_at, m.*
          from batchyard.batch b
          left join (select t.batch, count(*) as total,
                            count(*) filter (where o.state = 'completed') as completed,
                            count(*) filter (where o.state in ('failed', 'quarantined')) as failed,
                            count(*) filter (where o.state in ('cancelled', 'skipped')) as cancelled
                       from batchyard.task t join batchyard.outcome o on o.id = t.id
                      where t.batch is not null
                      group by t.batch) m on m.batch = b.id
         where (b.total, b.completed, b.failed, b.cancelled)
               is distinct from (coalesce(m.total, 0), coalesce(m.completed, 0),
                                 coalesce(m.failed, 0), coalesce(m.cancelled, 0))
            or b.ended_at is null
        """);
  }

  private List<String> thenTaskWaitsForItsBatch() throws SQLException {
    return db.some(
        """
        select b.id, b.ended_at, b.then_task, a.started_at, r.released
          from batchyard.batch b
         cross join lateral (
           select min(started_at) as started_at
             from (select started_at from batchyard.outcome where id = b.then_task
                   union all
                   select started_at from batchyard.attempt_log where task = b.then_task) s) a
         cross join lateral (
           select count(*) as released from batchyard.event
            where task = b.then_task and by = 'batch') r
         where a.started_at < b.ended_at or r.released > 1
        """);
  }

  private List<String> historiesAreLegal() throws SQLException {
    List<String> found = new ArrayList<>();
    db.each(
        """
        select task from batchyard.event group by task order by count(*) desc, task limit 300
        """,
        row -> {
          long task = row.getLong(1);
          List<TaskState> path =
              views.find(task).stream()
                  .flatMap(d -> d.events().stream())
                  .map(Event::to)
                  .map(word -> TaskState.valueOf(word.toUpperCase(Locale.ROOT)))
                  .toList();
          if (path.isEmpty() || Transitions.firstIllegal(path) >= 0 || !path.getLast().ended()) {
            found.add("task %d: %s".formatted(task, path));
          }
        });
    return found;
  }

  /**
   * Every recorded move begins where the one before has led, or where attempts and time lead from
   * there without a record; the last one leads to the end.
   */
  private List<String> movesFollowEachOther() throws SQLException {
    return db.some(
        """
        with move as (
          select task, id, from_state::text as from_state, to_state::text as to_state,
                 lag(to_state::text) over (partition by task order by id) as before
            from batchyard.event
          union all
          select o.id, null, o.state::text, o.state::text,
                 (select e.to_state::text from batchyard.event e
                   where e.task = o.id order by e.id desc limit 1)
            from batchyard.outcome o)
        select task, id, 'was', before, 'and then', from_state, 'and', to_state
          from move
         where before is not null and before <> from_state
           and (before not in ('ready', 'running', 'retrying', 'scheduled')
                or from_state not in ('ready', 'running', 'retrying', 'scheduled', 'completed',
                                      'failed'))
        """);
  }
}
