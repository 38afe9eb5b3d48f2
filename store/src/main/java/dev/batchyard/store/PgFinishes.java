package dev.batchyard.store;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.task.Decisions;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.Verdict;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One statement for all ends of a batch, whatever they are. */
final class PgFinishes implements Finishes {

  private static final Logger LOG = LoggerFactory.getLogger(PgFinishes.class);

  // The ends travel as arrays inside their lease's row and are unnested after its lock is ours: a
  // join
  // of the two sets would be a nested loop of 500 × 500 when every lease holds one task.
  // An end that is spared is a release with an error; how many of them came under leases since the
  // one under which the checkpoint last moved decides whether it is charged after all.
  // What is released before its handler was called has not started: that tells it from an attempt.
  // An attempt that came to an end of its own did not kill its node: deaths before it count no
  // more.
  // A request that came while the attempt ended otherwise than for good is carried out here.
  // done is read nine times, mostly for its verdict alone: what comes first in its rows is
  // cheapest.
  // Steps of what ends badly are looked for by a function: it sees those that were begun while this
  // waited for the lease's lock.
  private static final String FINISH =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now),
      taken as materialized (
        select lease, token, range_agg(int8range(task, task, '[]')) as ids,
               array_agg(task) as tasks, array_agg(verdict) as verdicts, array_agg(delay) as delays,
               array_agg(ran) as rans, array_agg(type) as types, array_agg(node) as nodes,
               array_agg(result) as results, array_agg(kind) as kinds,
               array_agg(message) as messages, array_agg(trace) as traces,
               array_agg(spared) as spareds, array_agg(called) as calleds
          from unnest(?::bigint[], ?::text[]::uuid[], ?::bigint[], ?::text[], ?::bigint[],
                      ?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
                      ?::boolean[], ?::boolean[])
               g (lease, token, task, verdict, delay, ran, type, node, result, kind, message, trace,
                  spared, called)
         group by lease, token),
      held as materialized (
        select l.*, l.ids * t.ids as mine, l.ids - t.ids as rest, t.tasks, t.verdicts, t.delays,
               t.rans, t.types, t.nodes, t.results, t.kinds, t.messages, t.traces,
               t.spareds, t.calleds
          from (select * from taken order by lease) t
         cross join lateral (
           select l.*
             from lease l
            where l.id = t.lease and l.token = t.token and l.ids && t.ids
           offset 0
              for update) l),
      done as materialized (
        select case when a.ask is not null and v.verdict in ('retry', 'snooze', 'release', 'pause')
                    then a.ask else v.verdict end as verdict,
               e.task, a.ask, h.id as lease, h.lane, h.due_at, h.attempt, h.failures, h.generation,
               case when v.verdict in ('retry', 'snooze', 'pause')
                      or (h.crashes > 0
                          and (select true
                                 from checkpoint c
                                where c.task = e.task and c.lease = h.id
                                limit 1))
                    then 0 else h.crashes end as crashes,
               e.type, e.node, e.result, e.called, c.now,
               e.delay * interval '1 ms' as delay,
               c.now - e.ran * interval '1 ms' as started_at,
               case when e.kind is not null
                    then jsonb_build_object('kind', e.kind, 'message', e.message, 'trace', e.trace)
               end as error
          from held h
         cross join clock c
         cross join lateral
               unnest(h.tasks, h.verdicts, h.delays, h.rans, h.types, h.nodes, h.results, h.kinds,
                      h.messages, h.traces, h.spareds, h.calleds)
               e (task, verdict, delay, ran, type, node, result, kind, message, trace, spared,
                  called)
         cross join lateral (
           select case when h.asked @> e.task
                       then coalesce((select q.kind from request q where q.task = e.task),
                                     fail('40001', 'a request came meanwhile'))
                  end as ask) a
         cross join lateral (
           select case when e.spared
                        and (select count(*)
                               from attempt_log g
                              where g.task = e.task and g.generation = h.generation
                                and g.ended = 'released' and g.error is not null
                                and g.lease > coalesce((select max(c.lease) from checkpoint c
                                                         where c.task = e.task), 0)) < ?
                       then 'release' else e.verdict end as verdict) v
         where h.mine @> e.task),
      deleted as (
        delete from lease where id = any (array(select id from held where isempty(rest)))),
      shrunk as (
        update lease l set ids = (select h.rest from held h where h.id = l.id)
         where l.id = any (array(select id from held where not isempty(rest)))),
      ended as (
        insert into outcome (id, type, state, lane, attempt, failures, crashes, generation, lease,
                             node, started_at, finished_at, result, error)
        select task, type,
               case verdict when 'complete' then 'completed'
                            when 'fail'     then 'failed'
                            else                 'cancelled' end::task_state,
               lane, attempt, failures + (verdict = 'fail')::integer, crashes, generation, lease,
               node, started_at, now, result::jsonb, error
          from done
         where verdict in ('complete', 'fail', 'cancel')
        returning lane, state, finished_at),
      tallied as (
        insert into tally (day, lane, state, n)
        select (max(finished_at) at time zone 'UTC')::date, lane, state, count(*)
          from ended
         group by lane, state),
      waiting as (
        insert into block (lane, due_at, kind, whole, first, lo, hi,
                           attempt, failures, crashes, generation)
        select lane, due, kind, whole, lower(ids), lower(ids), upper(ids) - 1,
               attempt, failures, crashes, generation
          from (select lane, due, kind, crashes > 0 as whole, attempt, failures, crashes, generation,
                       unnest(range_agg(int8range(task, task, '[]'))) as ids
                  from (select lane, task, attempt, crashes, generation,
                               failures + (verdict = 'retry')::integer as failures,
                               case verdict when 'release' then due_at else now + delay end as due,
                               case verdict when 'retry'  then 'retry'
                                            when 'snooze' then 'snooze'
                                            else               'new' end::block_kind as kind
                          from done
                         where verdict in ('retry', 'snooze', 'release')) w
                 group by lane, due, kind, attempt, failures, crashes, generation,
                          case when crashes > 0 then task end) s),
      set_aside as (
        insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes,
                            generation, by, at)
        select task, 'paused', 'ready', 'new', lane, due_at, attempt, failures, crashes, generation,
               coalesce((select q.by from request q where q.task = d.task), node), now
          from done d
         where verdict = 'pause'),
      logged as (
        insert into attempt_log (task, attempt, generation, lease, node, started_at, ended_at, ended,
                                 error)
        select task, attempt, generation, lease, node,
               case when called or verdict <> 'release' then started_at end, now,
               case verdict when 'retry'  then 'failed'
                            when 'snooze' then 'snoozed'
                            when 'pause'  then 'paused'
                            else               'released' end,
               error
          from done
         where verdict in ('retry', 'snooze', 'release', 'pause')),
      told as (
        insert into event (task, at, from_state, to_state, by, why)
        select task, now, 'running',
               case verdict when 'pause' then 'paused' else 'cancelled' end::task_state,
               coalesce((select q.by from request q where q.task = d.task), node),
               case verdict when 'pause' then 'paused' else 'cancelled' end || ' while it ran'
          from done d
         where verdict in ('pause', 'cancel')),
      answered as (
        delete from request
         where task = any (array(select task from done where ask is not null))
        returning task, kind),
      over as (
        delete from running where task = any (array(select task from done))),
      checked as materialized (
        select case when exists (select from answered a join done d using (task)
                                  where a.kind <> d.ask)
                    then fail('40001', 'a pause became a cancel meanwhile')
               end as fine)
      select d.task, d.verdict in ('complete', 'fail', 'cancel') as ended, c.fine,
             case when d.verdict in ('fail', 'cancel') then undo_steps(d.task, d.now) else 0 end as undoing
        from done d cross join checked c
      """;

  private static final String OWN_FIRST_TRY =
      """
      select m.task
        from unnest(?::bigint[], ?::bigint[]) m (task, lease)
       where (select true from outcome o where o.id = m.task and o.lease = m.lease limit 1)
          or (select true from attempt_log a where a.lease = m.lease and a.task = m.task limit 1)
      """;

  /** A verdict as the statement takes it. */
  private record Applied(
      String verdict,
      long delayMs,
      @Nullable String result,
      @Nullable Failure why,
      boolean spared) {

    Applied(String verdict, long delayMs, @Nullable String result, @Nullable Failure why) {
      this(verdict, delayMs, result, why, false);
    }

    static Applied of(Verdict verdict) {
      return switch (verdict) {
        case Verdict.Complete(var result) -> new Applied("complete", 0, result, null);
        case Verdict.Fail(var why) -> new Applied("fail", 0, null, why);
        case Verdict.Retry(var delay, var why) -> new Applied("retry", delay.toMillis(), null, why);
        case Verdict.Snooze(var delay) -> new Applied("snooze", delay.toMillis(), null, null);
        case Verdict.Release() -> new Applied("release", 0, null, null);
        case Verdict.Spare(var charge) -> of(charge).spare();
        case Verdict.Pause() -> new Applied("pause", 0, null, null);
        case Verdict.Cancel() -> new Applied("cancel", 0, null, null);
        case Verdict.Wait() -> throw new IllegalArgumentException("the end is stored already");
        case Verdict.Drop() -> throw new IllegalArgumentException("a dropped end is not stored");
      };
    }

    private Applied spare() {
      return new Applied(verdict, delayMs, result, why, true);
    }
  }

  /**
   * A task whose attempt is over.
   *
   * @param ended whether the task is, too
   * @param undoing whether its steps are being undone
   */
  private record Done(long task, boolean ended, boolean undoing) {}

  private record Written(List<Done> done, int released) {}

  private final Db db;
  private final StoreClock clock;
  private final Settlements settlements;
  private final IdSpans spans;
  private final WakeUps wakeUps;
  private final FullPools full;

  PgFinishes(
      Db db,
      StoreClock clock,
      Settlements settlements,
      IdSpans spans,
      WakeUps wakeUps,
      FullPools full) {
    this.db = db;
    this.clock = clock;
    this.settlements = settlements;
    this.spans = spans;
    this.wakeUps = wakeUps;
    this.full = full;
  }

  @Override
  public Result finish(List<Finish> ends) {
    if (ends.size() > BATCH_MAX) {
      throw new IllegalArgumentException(ends.size() + " ends at once; at most " + BATCH_MAX);
    }
    if (ends.isEmpty()) {
      return new Result(Set.of(), Set.of());
    }
    Comparator<Finish> byLease = Comparator.comparingLong(f -> f.claim().lease());
    List<Finish> ordered =
        ends.stream().sorted(byLease.thenComparingLong(f -> f.claim().task())).toList();
    Set<Long> kept = new HashSet<>();
    Set<Long> stuck = new HashSet<>();
    store(ordered, kept, stuck);
    List<Finish> rest = ordered.stream().filter(f -> !in(f, kept) && !in(f, stuck)).toList();
    if (!rest.isEmpty()) {
      kept.addAll(storedBefore(rest));
    }
    boolean pooled = ends.stream().anyMatch(end -> end.claim().pooled());
    if (pooled) {
      full.forget();
    }
    if (pooled || ends.stream().anyMatch(PgFinishes::releases)) {
      wakeUps.wake();
    }
    Set<Long> refused = new HashSet<>();
    rest.stream().filter(f -> !in(f, kept)).forEach(f -> refused.add(f.claim().task()));
    return new Result(kept, refused);
  }

  private static boolean in(Finish end, Set<Long> tasks) {
    return tasks.contains(end.claim().task());
  }

  private static boolean releases(Finish end) {
    return end.verdict() instanceof Verdict.Release || end.verdict() instanceof Verdict.Spare;
  }

  /** Stores them; what is refused is found by halving, so that only its own task suffers. */
  private void store(List<Finish> ends, Set<Long> kept, Set<Long> stuck) {
    try {
      kept.addAll(write(ends, true));
    } catch (StatementFailed e) {
      if (e.isPassing()) {
        throw e;
      }
      if (ends.size() == 1) {
        storeAlone(ends.getFirst(), e)
            .ifPresentOrElse(kept::addAll, () -> stuck.add(ends.getFirst().claim().task()));
        return;
      }
      int half = ends.size() / 2;
      store(ends.subList(0, half), kept, stuck);
      store(ends.subList(half, ends.size()), kept, stuck);
    }
  }

  /**
   * Stores what it can of an end that is refused: without what it brings with it, or as failed if a
   * value of it is to blame. The work is done and must not be done again; {@code doctor} finds a
   * batch that miscounts, a live key and limits that are left. An undo whose compensation cannot go
   * on waits.
   *
   * @return the task if it is stored, nothing if its lease was lost; empty if it cannot be stored
   */
  private Optional<List<Long>> storeAlone(Finish end, StatementFailed cause) {
    long task = end.claim().task();
    boolean apart = end.claim().settles() && (end.claim().flags() & Claim.UNDO) == 0;
    Optional<List<Long>> kept = apart ? tryAlone(end, false) : Optional.empty();
    if (kept.isEmpty() && cause.isBadValue()) {
      String why = "the database refused it: " + cause.getMessage();
      Verdict verdict = new Verdict.Fail(new Failure("EndNotStored", why, ""));
      Finish failed = new Finish(end.claim(), verdict, end.node(), end.ran(), end.called());
      kept = tryAlone(failed, true);
      if (kept.isPresent()) {
        return kept;
      }
      kept = apart ? tryAlone(failed, false) : kept;
    }
    if (kept.isPresent()) {
      LOG.error(
          "task {}: its end is stored, but neither its batch nor its live key knows of it ({});"
              + " batchyard doctor --repair counts and frees them",
          task,
          cause.getMessage());
    } else {
      LOG.error(
          "task {}: its end cannot be stored ({}); it stays running and is tried again",
          task,
          cause.getMessage());
    }
    return kept;
  }

  private Optional<List<Long>> tryAlone(Finish end, boolean settle) {
    try {
      return Optional.of(write(List.of(end), settle));
    } catch (StatementFailed e) {
      if (e.isPassing()) {
        throw e;
      }
      return Optional.empty();
    }
  }

  private List<Long> write(List<Finish> ends, boolean settle) {
    Map<Long, Integer> flagged = new HashMap<>();
    ends.stream()
        .map(Finish::claim)
        .filter(claim -> settle && claim.settles())
        .forEach(c -> flagged.put(c.task(), c.flags()));
    // room is for the undo tasks of what ends badly
    Written written =
        spans.withRoom(() -> flagged.isEmpty() ? plain(ends) : settled(ends, flagged));
    if (written.released() > 0 || written.done().stream().anyMatch(Done::undoing)) {
      wakeUps.wake();
    }
    return written.done().stream().map(Done::task).toList();
  }

  private Written plain(List<Finish> ends) {
    return new Written(db.query(FINISH, PgFinishes::done, values(ends)), 0);
  }

  private Written settled(List<Finish> ends, Map<Long, Integer> flagged) {
    return db.transaction(c -> {
      List<Done> done = Sql.query(c, FINISH, PgFinishes::done, values(ends));
      CrashPoint.ENDS_UNSETTLED.pass();
      return new Written(done, settle(c, done, flagged));
    });
  }

  /** {@return how many tasks became ready by it} */
  private int settle(Connection connection, List<Done> done, Map<Long, Integer> flagged)
      throws SQLException {
    List<Long> ended =
        done.stream().filter(Done::ended).map(Done::task).filter(flagged::containsKey).toList();
    List<Long> undos =
        ended.stream()
            .filter(task -> (Objects.requireNonNull(flagged.get(task)) & Claim.UNDO) != 0)
            .toList();
    return settlements.finished(connection, ended, undos);
  }

  private static Done done(ResultSet row) throws SQLException {
    return new Done(row.getLong("task"), row.getBoolean("ended"), row.getInt("undoing") > 0);
  }

  private @Nullable Object[] values(List<Finish> ends) {
    List<Applied> applied = ends.stream().map(f -> Applied.of(f.verdict())).toList();
    return new @Nullable Object[] {
      clock.bound(),
      ends.stream().mapToLong(f -> f.claim().lease()).toArray(),
      texts(ends, f -> f.claim().token().toString()),
      ends.stream().mapToLong(f -> f.claim().task()).toArray(),
      texts(applied, Applied::verdict),
      applied.stream().mapToLong(Applied::delayMs).toArray(),
      ends.stream().mapToLong(f -> f.ran().toMillis()).toArray(),
      texts(ends, f -> f.claim().type()),
      texts(ends, Finish::node),
      texts(applied, Applied::result),
      texts(applied, a -> a.why() == null ? null : a.why().kind()),
      texts(applied, a -> a.why() == null ? null : a.why().message()),
      texts(applied, a -> a.why() == null ? null : a.why().trace()),
      applied.stream().map(Applied::spared).toArray(Boolean[]::new),
      ends.stream().map(Finish::called).toArray(Boolean[]::new),
      Decisions.SPARED_MAX
    };
  }

  private List<Long> storedBefore(List<Finish> ends) {
    return db.query(
        OWN_FIRST_TRY,
        r -> r.getLong("task"),
        ends.stream().mapToLong(f -> f.claim().task()).toArray(),
        ends.stream().mapToLong(f -> f.claim().lease()).toArray());
  }

  private static <T> @Nullable String[] texts(List<T> list, Function<T, @Nullable String> column) {
    return list.stream().map(column).toArray(String[]::new);
  }
}
