package dev.batchyard.app.sim;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.Event;
import dev.batchyard.engine.task.Transitions;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What must be true when all tasks have ended. */
final class EndChecker {

  static final String HISTORIES_ARE_LEGAL = "histories are legal";
  static final String ACKNOWLEDGED_TASKS_EXIST = "acknowledged tasks exist";
  static final String NO_SUBMIT_IS_STORED_TWICE = "no submit is stored twice";
  static final String EVERY_TASK_WAS_SUBMITTED = "every task was submitted";
  static final String CALLS_ARE_ALL_OR_NONE = "calls are all or none";
  static final String REFUSED_SUBMITS_NAME_HOLDER = "refused submits name a holder";
  static final String CANCELS_HOLD = "cancels hold";
  static final String ONLY_ASKED_CANCELS = "only asked cancels";
  static final String OUTCOMES_ARE_OWN = "outcomes are their handlers' own";

  static final String DOCTOR_FINDS_NOTHING = "the doctor finds nothing";
  static final String NOTHING_LEFT = "nothing is left";
  static final String ONE_TASK_OF_KEY = "one task of an idempotency key";
  static final String ITEMS_ONCE = "items are committed once";
  static final String CHECKPOINTS_TELL = "checkpoints tell what is committed";
  static final String RETRIES_WAIT = "retries come after their delay";

  private static final int HISTORIES_MAX = 6;
  private static final int ROWS = 10_000;

  /**
   * Others are about the server, or take what is as it should be for wrong in a time of its own.
   */
  private static final List<Check> CHECKS =
      List.of(
          Check.HOMES,
          Check.THEN_TASKS,
          Check.LEASES,
          Check.REQUESTS,
          Check.RUNNING,
          Check.LIMITS,
          Check.LIVE_KEYS,
          Check.BATCHES,
          Check.CHECKPOINTS);

  // each select gives one line of text; no test of the database's plans: the tables are small
  private static final String INVARIANTS =
      """
      select 'every task has ended once', format('task %s: %s outcomes', t.id, count(o.id))
        from task t left join outcome o on o.id = t.id
       group by t.id having count(o.id) <> 1
      union all
      select 'nothing is left', format('%s %s', place, id)
        from (select 'block' as place, lo as id from block
              union all select 'lease', id from lease
              union all select 'parked', id from parked
              union all select 'request', task from request
              union all select 'running', task from running
              union all select 'expiry', task from expiry
              union all select 'live key', task from task_key where scope = 'live') l
      union all
      select 'attempts are numbered without gaps', format('task %s: %s, then %s', o.id, a.numbers, o.attempt)
        from outcome o
        left join (select task, array_agg(attempt order by attempt) as numbers
                     from attempt_log group by task) a on a.task = o.id
       where coalesce(a.numbers, '{}')
             || case when o.lease is null then '{}' else array[o.attempt] end
             <> array(select generate_series(1, o.attempt))
      union all
      select 'sums equal outcomes', format('%s %s %s: %s, not %s', day, lane, state, t.n, o.n)
        from (select day, lane, state, sum(n) as n from tally group by day, lane, state) t
        full join (select (finished_at at time zone 'UTC')::date as day, lane, state, count(*) as n
                     from outcome group by 1, 2, 3) o using (day, lane, state)
       where coalesce(t.n, 0) <> coalesce(o.n, 0)
      union all
      select 'failures are within the policy', format('task %s: %s, %s failures', o.id, o.state, o.failures)
        from outcome o join task t on t.id = o.id join retry_policy p on p.name = t.retry
       where o.failures > p.retries + (o.state = 'failed')::integer
      union all
      select 'deaths are charged and bounded', format('task %s: %s, %s deaths', o.id, o.state, o.crashes)
        from outcome o
       where o.crashes > 3 or (o.state = 'quarantined') <> (o.crashes = 3)
      union all
      select 'batches count their members',
             format('batch %s: %s', b.id, (b.total, b.completed, b.failed, b.cancelled, m))
        from batch b
        left join (select t.batch, count(*) as total,
                          count(*) filter (where o.state = 'completed') as completed,
                          count(*) filter (where o.state in ('failed', 'quarantined')) as failed,
                          count(*) filter (where o.state in ('cancelled', 'skipped')) as cancelled
                     from task t join outcome o on o.id = t.id
                    where t.batch is not null
                    group by t.batch) m on m.batch = b.id
       where (b.total, b.completed, b.failed, b.cancelled)
             is distinct from (coalesce(m.total, 0), coalesce(m.completed, 0),
                               coalesce(m.failed, 0), coalesce(m.cancelled, 0))
          or b.ended_at is null
      union all
      select 'a then task waits for its batch', format('batch %s, task %s', b.id, b.then_task)
        from batch b
       where (select count(*) from event where task = b.then_task and by = 'batch') > 1
          or (select min(started_at)
                from (select started_at from outcome where id = b.then_task
                      union all
                      select started_at from attempt_log where task = b.then_task) s) < b.ended_at
      union all
      select 'one task of an idempotency key', format('%s: %s', t.key, array_agg(t.id))
        from task t join lane l on l.id = t.lane
       where t.key is not null
       group by l.type, t.key having count(*) > 1
      union all
      select 'one task of a key within its period', format('%s: %s and %s', period_key, other, id)
        from (select t.period_key, t.id, t.submitted_at, lag(t.id) over w as other,
                     lag(t.submitted_at + t.period) over w as until
                from task t join lane l on l.id = t.lane
               where t.period_key is not null
              window w as (partition by l.type, t.period_key order by t.submitted_at, t.id)) s
       where submitted_at < until
      union all
      select 'one live task of a key', format('%s: %s and %s', a.live_key, a.id, b.id)
        from task a
        join lane l on l.id = a.lane
        join outcome o on o.id = a.id and o.generation = 1
        join task b on b.live_key = a.live_key and b.id > a.id
        join lane m on m.id = b.lane and m.type = l.type
       where b.submitted_at < o.finished_at
      union all
      select 'items are committed once', format('item %s of task %s: %s times', item, task, count(*))
        from sim_item group by task, item having count(*) > 1
      union all
      select 'items are all committed', format('task %s: %s of %s', o.id, i.n, t.params ->> 'items')
        from outcome o
        join task t on t.id = o.id
       cross join lateral (select count(*) as n from sim_item where task = o.id) i
       where o.state = 'completed' and t.params ->> 'deed' <> 'STEPS'
         and i.n <> (t.params ->> 'items')::integer
      union all
      select 'checkpoints tell what is committed', format('task %s: %s, not %s', c.task, c.read, i.n)
        from checkpoint c
       cross join lateral (select count(*) as n from sim_item where task = c.task) i
       where c.read <> i.n
      union all
      select 'retries come after their delay', format('task %s, attempt %s', a.task, a.attempt)
        from attempt_log a
        join task t on t.id = a.task
        join retry_policy p on p.name = t.retry
        join (select task, generation, attempt, started_at from attempt_log
              union all
              select id, generation, attempt, started_at from outcome where lease is not null) b
          on b.task = a.task and b.generation = a.generation and b.attempt = a.attempt + 1
       where a.ended = 'failed' and not a.final
         and b.started_at + interval '1 ms' < a.ended_at + p.first_delay
      union all
      select 'steps are undone from the last on', format('task %s: %s after %s', task, step, before)
        from (select task, step, lag(step) over (partition by task, generation order by seq) as before
                from sim_undo) u
       where before <= step
      union all
      select 'a step is undone by one task', format('task %s: step %s', task, step)
        from sim_undo group by task, generation, step having count(*) > 1
      union all
      select 'steps of bad ends are undone, and no others',
             format('task %s, generation %s, step %s: %s', s.task, s.generation, s.step, u.undo_task)
        from (select distinct task, generation, step from sim_step) s
        join outcome o on o.id = s.task
        left join sim_undo u on u.task = s.task and u.generation = s.generation and u.step = s.step
       where (u.undo_task is null) <> (o.state = 'completed' and s.generation = o.generation)
         and not exists (select from compensation where task = s.task and state = 'needs_person')
      union all
      select 'compensations come to an end', format('task %s: %s', c.task, c.state)
        from compensation c
       where c.state = 'undoing'
          or (c.state = 'needs_person')
             <> exists (select from step s join outcome o on o.id = s.undo_task
                         where s.task = c.task and s.round = c.round and o.state <> 'completed')
      union all
      select 'a task that completed has done its steps', format('task %s', t.id)
        from task t join outcome o on o.id = t.id and o.state = 'completed'
       where t.params ->> 'deed' = 'STEPS'
         and (t.params ->> 'items')::integer
             <> (select count(*) from step
                  where task = t.id and undo_task is null and done_at is not null)
      union all
      select 'attempts are few', format('task %s: %s', task, count(*))
        from attempt_log group by task having count(*) > 60
      """;

  private static final String TASKS =
      """
      select t.id, (t.params ->> 'number')::bigint as number, t.key, t.live_key, t.period_key,
             coalesce(o.state::text, '') as state, coalesce(o.error ->> 'kind', '') as error
        from task t left join outcome o on o.id = t.id
       where t.flags & 16 = 0
       order by t.id
      """;

  private static final String MOVED_MOST =
      """
      select task from event group by task order by count(*) desc, task limit ?
      """;

  private record Stored(
      long id,
      long number,
      @Nullable String key,
      @Nullable String live,
      @Nullable String period,
      String state,
      String error) {}

  private final World world;
  private final Journal journal;
  private final Eye eye;
  private final TaskViews views;
  private final Doctor doctor;
  private final Map<Long, Stored> stored = new HashMap<>();

  EndChecker(World world, Journal journal, Eye eye, TaskViews views, Doctor doctor) {
    this.world = world;
    this.journal = journal;
    this.eye = eye;
    this.views = views;
    this.doctor = doctor;
  }

  /** Notes what is violated. */
  void check() {
    eye.find(INVARIANTS, row -> Map.entry(row.getString(1), row.getString(2)))
        .forEach(found -> world.violated(found.getKey(), found.getValue()));
    eye.find(
            TASKS,
            row ->
                new Stored(
                    row.getLong("id"),
                    row.getLong("number"),
                    row.getString("key"),
                    row.getString("live_key"),
                    row.getString("period_key"),
                    row.getString("state"),
                    row.getString("error")))
        .forEach(task -> stored.put(task.id(), task));
    for (Check check : CHECKS) {
      Doctor.Finding finding = doctor.look(check, ROWS);
      if (!finding.found().isEmpty() || !finding.complete()) {
        world.violated(DOCTOR_FINDS_NOTHING, finding.toString());
      }
    }
    checkCalls();
    checkNumbers();
    stored.values().stream().filter(t -> !t.state().isEmpty()).forEach(this::checkOutcome);
    eye.find(MOVED_MOST, row -> row.getLong(1), HISTORIES_MAX).forEach(this::checkHistory);
  }

  private void checkCalls() {
    Map<Journal.Call, Integer> present = new HashMap<>();
    for (Stored task : stored.values()) {
      journal.call(task.number()).ifPresent(call -> present.merge(call, 1, Integer::sum));
    }
    for (Journal.Call call : journal.calls) {
      int there = present.getOrDefault(call, 0);
      if (call.isKeyless() && there != 0 && there != call.asked.size()) {
        world.violated(
            CALLS_ARE_ALL_OR_NONE,
            "%d of %d from %d".formatted(there, call.asked.size(), call.first));
      }
      for (int i = 0; i < call.answers.size(); i++) {
        checkAnswer(call, call.first + i, call.answers.get(i));
      }
    }
  }

  private void checkAnswer(Journal.Call call, long number, Submitted told) {
    Stored task = stored.get(told.task());
    if (task == null || (told.fresh() && task.number() != number)) {
      world.violated(ACKNOWLEDGED_TASKS_EXIST, number + " was told " + told + ", which is " + task);
    } else if (!told.fresh()
        && task.number() != number
        && !shares(call.asked(number).keys(), task)) {
      world.violated(REFUSED_SUBMITS_NAME_HOLDER, number + " was told " + told + ": " + task);
    }
  }

  private static boolean shares(TaskKeys keys, Stored holder) {
    return keys.idempotency().filter(k -> k.equals(holder.key())).isPresent()
        || keys.live().filter(k -> k.equals(holder.live())).isPresent()
        || keys.within().filter(w -> w.key().equals(holder.period())).isPresent();
  }

  private void checkNumbers() {
    Map<Long, Stored> first = new HashMap<>();
    for (Stored task : stored.values()) {
      if (journal.call(task.number()).isEmpty()) {
        world.violated(EVERY_TASK_WAS_SUBMITTED, task.toString());
      }
      Stored other = first.putIfAbsent(task.number(), task);
      if (other != null) {
        world.violated(NO_SUBMIT_IS_STORED_TWICE, other + " and " + task);
      }
    }
  }

  private void checkOutcome(Stored task) {
    Optional<Journal.Asked> asked =
        journal.call(task.number()).map(call -> call.asked(task.number()));
    if (asked.isEmpty()) {
      return;
    }
    Script.Deed deed = asked.get().deed();
    boolean cancelled = task.state().equals("cancelled");
    if (cancelled && !journal.cancelTried.contains(task.id())) {
      world.violated(ONLY_ASKED_CANCELS, task.toString());
    }
    if (!cancelled
        && journal.cancelDone.contains(task.id())
        && !journal.rerunTried.contains(task.id())) {
      world.violated(CANCELS_HOLD, task.toString());
    }
    boolean limited =
        switch (task.error()) {
          case "QueueTimeout" -> asked.get().limits().queueTimeout().isPresent();
          case "AttemptTimeout" -> asked.get().limits().attemptTimeout().isPresent();
          case "TotalTimeout" -> asked.get().limits().totalTimeout().isPresent();
          case "DeadlinePassed" -> asked.get().limits().deadline().isPresent();
          default -> false;
        };
    boolean may =
        switch (task.state()) {
          case "completed" -> deed.mayComplete();
          case "failed" -> limited || deed.mayFail() || task.error().equals("SQLException");
          case "quarantined" -> task.error().equals("Quarantined");
          default -> cancelled;
        };
    if (!may) {
      world.violated(OUTCOMES_ARE_OWN, deed + ": " + task);
    }
  }

  private void checkHistory(long task) {
    List<TaskState> path =
        views.find(task).stream()
            .flatMap(d -> d.events().stream())
            .map(Event::to)
            .map(word -> TaskState.valueOf(word.toUpperCase(Locale.ROOT)))
            .toList();
    if (path.isEmpty() || Transitions.firstIllegal(path) >= 0 || !path.getLast().ended()) {
      world.violated(HISTORIES_ARE_LEGAL, "task %d: %s".formatted(task, path));
    }
  }
}
