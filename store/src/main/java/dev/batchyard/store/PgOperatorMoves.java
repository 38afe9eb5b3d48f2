package dev.batchyard.store;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.BulkCancels;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.port.Storable;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Each try is one short transaction that looks in block, lease, parked, outcome, in this order, and
 * acts where it finds the task. A task that moves between two looks is not found by one try and
 * found by a later one.
 */
final class PgOperatorMoves implements OperatorMoves {

  /** A task changes its home some times a second at the very most. */
  private static final int TRIES_MAX = 50;

  private static final int WHY_SHOWN = 40;

  /** Why a task that had ended is ready; a person's own reason may follow. */
  static final String RUN_AGAIN = "run again";

  private static final String KNOWN =
      """
      select 1 from task where id = ?
      """;

  private static final String LEASE =
      """
      select id from lease where ids @> ?::bigint for update
      """;

  private static final String ASK =
      """
      insert into request as q (task, kind, boot, by, at)
      select ?, ?, boot, ?, coalesce(?::timestamptz, clock_timestamp()) from lease where id = ?
          on conflict (task) do update
         set kind = excluded.kind, boot = excluded.boot, by = excluded.by, at = excluded.at
       where q.kind = 'pause' and excluded.kind = 'cancel'
      """;

  // the lease's row says it too: a finish that waits for this lock sees it there
  private static final String MARK_ASKED =
      """
      update lease set asked = asked + int8multirange(int8range(?, ?, '[]')) where id = ?
      """;

  private static final String PENDING =
      """
      select kind from request where task = ?
      """;

  private static final String PARKED =
      """
      select state from parked where id = ? for update
      """;

  private static final String CANCEL_PARKED =
      """
      with gone as (
        delete from parked where id = ? returning *),
      ended as (
        insert into outcome (id, type, state, lane, attempt, failures, crashes, generation,
                             finished_at)
        select g.id, l.type, 'cancelled', g.lane, g.attempt, g.failures, g.crashes, g.generation,
               coalesce(?::timestamptz, clock_timestamp())
          from gone g join lane l on l.id = g.lane
        returning lane, state, finished_at),
      tallied as (
        insert into tally (day, lane, state, n)
        select (max(finished_at) at time zone 'UTC')::date, lane, state, count(*)
          from ended
         group by lane, state)
      insert into event (task, at, from_state, to_state, by, why)
      select id, coalesce(?::timestamptz, clock_timestamp()), state, 'cancelled', ?,
             'cancelled while it was ' || state
        from gone
      """;

  private static final String PAUSE_BLOCKED =
      """
      with moved as (
        update parked set state = 'paused', from_state = 'blocked', by = ?,
                          at = coalesce(?::timestamptz, clock_timestamp())
         where id = ?
        returning id, by, at)
      insert into event (task, at, from_state, to_state, by, why)
      select id, at, 'blocked', 'paused', by, 'paused while it was blocked' from moved
      """;

  private static final String RESUME =
      """
      with was as (
        delete from parked where id = ? and from_state <> 'blocked' returning *),
      back as (
        insert into block (lane, due_at, kind, whole, first, lo, hi,
                           attempt, failures, crashes, generation)
        select lane, due_at, kind, crashes > 0, id, id, id, attempt, failures, crashes, generation
          from was),
      blocked as (
        update parked set state = 'blocked' where id = ? and from_state = 'blocked'
        returning id, from_state),
      waits as (
        update expiry
           set start_by = greatest((select due_at from was),
                                   coalesce(?::timestamptz, clock_timestamp())) + queue_timeout
         where task = (select id from was) and queue_timeout is not null)
      insert into event (task, at, from_state, to_state, by, why)
      select id, coalesce(?::timestamptz, clock_timestamp()), 'paused', from_state, ?, 'resumed'
        from (select id, from_state from was union all select id, from_state from blocked) m
      """;

  private static final String OUTCOME =
      """
      select state from outcome where id = ? for update
      """;

  // who wants to drop the span waits for this rerun, or has said so before it
  private static final String CLOSED =
      """
      select closed is not null as closed
        from id_span
       where lo <= ?
       order by lo desc
       limit 1
         for share
      """;

  private static final String UNSETTLE =
      """
      select unsettle(?, ?::timestamptz) as why
      """;

  private static final String RERUN =
      """
      with old as (
        delete from outcome where id = ? returning *),
      tallied as (
        insert into tally (day, lane, state, n)
        select (finished_at at time zone 'UTC')::date, lane, state, -1 from old),
      logged as (
        insert into attempt_log (task, attempt, generation, lease, node, started_at, ended_at, ended,
                                 final, result, error)
        select id, attempt, generation, lease, node, started_at, finished_at, state::text,
               true, result, error
          from old
         where lease is not null),
      again as (
        insert into block (lane, due_at, kind, first, lo, hi, attempt, generation)
        select lane, coalesce(?::timestamptz, clock_timestamp()), 'new', id, id, id, attempt,
               generation + 1
          from old)
      insert into event (task, at, from_state, to_state, by, why)
      select id, coalesce(?::timestamptz, clock_timestamp()), state, 'ready', ?, ?
        from old
      """;

  // The only update of an outcome, whose row is locked. It is nobody's own end any more: the
  // failure
  // of the attempt goes where those lie that did not end their task.
  private static final String MARK =
      """
      with old as materialized (
        select * from outcome where id = ? and state = 'failed'),
      marked as (
        update outcome set state = 'completed', lease = null, error = null
         where id = ? and state = 'failed'),
      tallied as (
        insert into tally (day, lane, state, n)
        select (o.finished_at at time zone 'UTC')::date, o.lane, s.state, s.n
          from old o
         cross join (values ('failed'::task_state, -1), ('completed', 1)) s (state, n)),
      logged as (
        insert into attempt_log (task, attempt, generation, lease, node, started_at, ended_at, ended,
                                 final, error)
        select id, attempt, generation, lease, node, started_at, finished_at, 'failed', true, error
          from old
         where lease is not null),
      counted as (
        update batch set failed = failed - 1, completed = completed + 1
         where id = (select batch from task where id = (select id from old)))
      insert into event (task, at, from_state, to_state, by, why)
      select id, coalesce(?::timestamptz, clock_timestamp()), 'failed', 'completed', ?,
             'marked as completed: ' || ?
        from old
      """;

  private static final String NOT_UNDONE =
      """
      select not_undone(?) as why
      """;

  private final Db db;
  private final StoreClock clock;
  private final Settlements settlements;
  private final ForsakenParts forsaken;
  private final WakeUps wakeUps;
  private final WaitingTasks waiting;
  private final PgCheckpoints checkpoints;

  PgOperatorMoves(
      Db db, StoreClock clock, Settlements settlements, ForsakenParts forsaken, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.settlements = settlements;
    this.forsaken = forsaken;
    this.wakeUps = wakeUps;
    this.waiting = new WaitingTasks(clock);
    this.checkpoints = new PgCheckpoints(db, clock);
  }

  @Override
  public Move cancel(long task, String by) {
    int[] released = {0};
    Move move =
        untilFound(
            task,
            c -> {
              Optional<Move> ended = cancel(c, task, BulkCancels.STATES, by);
              if (ended.filter(Move.DONE::equals).isPresent()) {
                released[0] = settlements.settle(c, List.of(task));
              }
              return ended.isPresent() ? ended : outcome(c, task).map(state -> Move.ALREADY);
            });
    if (released[0] > 0) {
      wakeUps.wake();
    }
    if (move == Move.DONE) {
      forsaken.cancel(List.of(task), by);
    }
    return move;
  }

  /**
   * Ends a task, or asks its attempt to; the caller settles those that have ended. Empty if it is
   * nowhere where tasks of these states are.
   */
  Optional<Move> cancel(Connection connection, long task, Set<TaskState> states, String by)
      throws SQLException {
    if (states.stream().anyMatch(TaskPages.IN_BLOCKS::contains)
        && waiting.cancel(connection, task, by)) {
      return Optional.of(Move.DONE);
    }
    if (states.contains(TaskState.RUNNING) && ask(connection, task, "cancel", by)) {
      return Optional.of(Move.REQUESTED);
    }
    Optional<String> parked =
        states.stream().anyMatch(TaskPages.PARKED::contains)
            ? parked(connection, task)
            : Optional.empty();
    if (parked.filter(word -> states.stream().anyMatch(s -> s.word().equals(word))).isEmpty()) {
      return Optional.empty();
    }
    Sql.run(connection, CANCEL_PARKED, task, clock.bound(), clock.bound(), by);
    return Optional.of(Move.DONE);
  }

  @Override
  public Move pause(long task, String by) {
    return untilFound(
        task,
        c -> {
          if (waiting.pause(c, task, by)) {
            return Optional.of(Move.DONE);
          }
          if (ask(c, task, "pause", by)) {
            return Optional.of(Move.REQUESTED);
          }
          Optional<String> parked = parked(c, task);
          if (parked.isPresent() && parked.get().equals("blocked")) {
            Sql.run(c, PAUSE_BLOCKED, by, clock.bound(), task);
            return Optional.of(Move.DONE);
          }
          return parked.isPresent()
              ? Optional.of(Move.ALREADY)
              : outcome(c, task).map(state -> Move.ALREADY);
        });
  }

  @Override
  public Move resume(long task, String by, OptionalInt checkpoint) {
    Move move =
        untilFound(
            task,
            c -> {
              if (waiting.find(c, task).isPresent()) {
                return Optional.of(Move.ALREADY);
              }
              if (Sql.first(c, LEASE, r -> r.getLong("id"), task).isPresent()) {
                // its attempt has been asked to pause and may do so any moment
                boolean pausing = Sql.first(c, PENDING, r -> r.getString("kind"), task).isPresent();
                return Optional.of(pausing ? Move.REFUSED : Move.ALREADY);
              }
              Optional<String> parked = parked(c, task);
              if (parked.isEmpty()) {
                return outcome(c, task).map(state -> Move.ALREADY);
              }
              if (!parked.get().equals("paused")) {
                return Optional.of(Move.ALREADY);
              }
              goBack(c, task, checkpoint, by);
              Sql.run(c, RESUME, task, task, clock.bound(), clock.bound(), by);
              return Optional.of(Move.DONE);
            });
    if (move == Move.DONE) {
      wakeUps.wake();
    }
    return move;
  }

  @Override
  public Move rerun(long task, String by, OptionalInt checkpoint) {
    return again(task, by, RUN_AGAIN, checkpoint);
  }

  /** Runs it again for a reason. */
  Move rerun(long task, String by, String why) {
    return again(task, by, RUN_AGAIN + ": " + why, OptionalInt.empty());
  }

  private Move again(long task, String by, String why, OptionalInt checkpoint) {
    Move move =
        toEnded(
            task,
            (c, state, closed) -> {
              if (state.equals("completed") || state.equals("skipped")) {
                return Move.REFUSED;
              }
              refuse(closed ? Optional.of(beingDeleted(task)) : unsettle(c, task));
              goBack(c, task, checkpoint, by);
              Sql.run(c, RERUN, task, clock.bound(), clock.bound(), by, why);
              return Move.DONE;
            });
    if (move == Move.DONE) {
      wakeUps.wake();
    }
    return move;
  }

  @Override
  public Move markCompleted(long task, String by, String why) {
    requireReason(why);
    int[] released = {0};
    Move move =
        toEnded(
            task,
            (c, state, closed) -> {
              if (!state.equals("failed")) {
                return state.equals("completed") ? Move.ALREADY : Move.REFUSED;
              }
              refuse(closed ? Optional.of(beingDeleted(task)) : notUndone(c, task));
              if (Sql.update(c, MARK, task, task, clock.bound(), by, why) != 1) {
                throw new IllegalStateException(
                    "task " + task + " is failed, and cannot be marked");
              }
              released[0] = settlements.marked(c, task);
              return Move.DONE;
            });
    if (released[0] > 0) {
      wakeUps.wake();
    }
    return move;
  }

  /** What is done to a task that has ended in some state; its span may be closed. */
  private interface Ended {
    Move move(Connection connection, String state, boolean closed) throws SQLException;
  }

  private Move toEnded(long task, Ended ended) {
    return untilFound(
        task,
        c -> {
          if (alive(c, task)) {
            return Optional.of(Move.REFUSED);
          }
          boolean closed = closed(c, task);
          Optional<String> state = outcome(c, task);
          return state.isEmpty()
              ? Optional.empty()
              : Optional.of(ended.move(c, state.get(), closed));
        });
  }

  private static void refuse(Optional<String> refusal) {
    if (refusal.isPresent()) {
      throw new MoveRefused(refusal.get());
    }
  }

  static void requireReason(String why) {
    Storable.requireText("why", why);
    if (why.isBlank() || why.length() > WHY_MAX) {
      throw new IllegalArgumentException(
          "why: '%s' must have 1 to %d characters"
              .formatted(why.substring(0, Math.min(why.length(), WHY_SHOWN)), WHY_MAX));
    }
  }

  private boolean alive(Connection connection, long task) throws SQLException {
    return waiting.find(connection, task).isPresent()
        || Sql.first(connection, LEASE, r -> r.getLong("id"), task).isPresent()
        || parked(connection, task).isPresent();
  }

  /** {@return why an ended task would not run again; empty if it would, or has not ended} */
  Optional<String> refusal(long task) {
    return db.transaction(c -> {
      boolean closed = closed(c, task);
      Optional<String> refusal =
          outcome(c, task).isEmpty()
              ? Optional.empty()
              : closed ? Optional.of(beingDeleted(task)) : unsettle(c, task);
      c.rollback(); // it was a question
      return refusal;
    });
  }

  /** {@return the answer about a task whose span is closed} */
  static String beingDeleted(long task) {
    return "task %d: it ended so long ago that it is being deleted; submit it anew".formatted(task);
  }

  private static boolean closed(Connection connection, long task) throws SQLException {
    return Sql.first(connection, CLOSED, r -> r.getBoolean("closed"), task).orElse(false);
  }

  /** Takes back what its end has settled; {@return why that cannot be, to be rolled back then} */
  private Optional<String> unsettle(Connection connection, long task) throws SQLException {
    return Sql.query(connection, UNSETTLE, r -> Sql.maybeText(r, "why"), task, clock.bound())
        .getFirst()
        .map(why -> "task %d: %s".formatted(task, why));
  }

  private static Optional<String> notUndone(Connection connection, long task) throws SQLException {
    return Sql.query(connection, NOT_UNDONE, r -> Sql.maybeText(r, "why"), task)
        .getFirst()
        .map(why -> "task %d: %s".formatted(task, why));
  }

  private void goBack(Connection connection, long task, OptionalInt checkpoint, String by)
      throws SQLException {
    if (checkpoint.isPresent()) {
      checkpoints.goBack(connection, task, checkpoint.getAsInt(), by);
    }
  }

  private Move untilFound(long task, Db.Work<Optional<Move>> look) {
    for (int tries = 0; tries < TRIES_MAX; tries++) {
      Optional<Move> move = db.transaction(look);
      if (move.isPresent()) {
        return move.get();
      }
      if (db.query(KNOWN, r -> true, task).isEmpty()) {
        return Move.NOT_FOUND;
      }
    }
    throw new IllegalStateException("task " + task + " is in none of its homes");
  }

  /** Asks its attempt, if it has one; a cancel takes the place of a pause, never the reverse. */
  private boolean ask(Connection connection, long task, String kind, String by)
      throws SQLException {
    Optional<Long> lease = Sql.first(connection, LEASE, r -> r.getLong("id"), task);
    if (lease.isEmpty()) {
      return false;
    }
    Sql.run(connection, ASK, task, kind, by, clock.bound(), lease.get());
    Sql.run(connection, MARK_ASKED, task, task, lease.get());
    return true;
  }

  private static Optional<String> parked(Connection connection, long task) throws SQLException {
    return Sql.first(connection, PARKED, r -> r.getString("state"), task);
  }

  private static Optional<String> outcome(Connection connection, long task) throws SQLException {
    return Sql.first(connection, OUTCOME, r -> r.getString("state"), task);
  }
}
