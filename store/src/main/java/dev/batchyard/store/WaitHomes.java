package dev.batchyard.store;

import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches.Batch;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.WaitReasons;
import dev.batchyard.engine.task.Wait;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Where a task is, and what of its being there keeps it from running. */
final class WaitHomes {

  // a task has one home; an outcome comes first, since a rerun takes it away
  static final String HOME =
      """
      select c.now, t.retry, t.flags, l.id as lane, l.type, l.queue, l.priority, r.text as requires,
             l.requirement, l.pools <> '{}' as pooled, q.paused_by, q.paused_at,
             (extract(epoch from q.age_step) * 1000)::bigint as age_step_ms,
             o.state as ended, o.finished_at,
             e.boot, e.claimed_at, n.name as node, n.slots, g.started_at,
             p.state as parked, p.from_state, p.by, p.at,
             coalesce(b.kind, p.kind) as kind, coalesce(b.due_at, p.due_at) as due_at,
             coalesce(b.failures, p.failures) as failures, coalesce(b.crashes, p.crashes) as crashes,
             coalesce(b.suspect, false) as suspect, coalesce(b.bid, 9223372036854775807) as bid,
             coalesce(b.before, 0) as before
        from (select ?::bigint as id) w
       cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c
       cross join lateral (
         select t.lane, t.retry, t.flags from task t where t.id = w.id offset 0) t
        join lane l on l.id = t.lane
        join requirement r on r.id = l.requirement
        join queue q on q.name = l.queue
        left join lateral (
          select o.state, o.finished_at from outcome o where o.id = w.id offset 0) o on true
        left join lateral (
          select e.id, e.boot, e.claimed_at from lease e where e.ids @> w.id limit 1) e on true
        left join node n on n.boot = e.boot
        left join lateral (
          select g.started_at from running g where g.task = w.id and g.lease = e.id offset 0) g on true
        left join lateral (
          select p.state, p.from_state, p.by, p.at, p.kind, p.due_at, p.failures, p.crashes
            from parked p
           where p.id = w.id
          offset 0) p on true
        left join lateral (
          select b.kind, b.due_at, b.failures, b.crashes, b.whole and b.lo = b.hi as suspect, b.bid,
                 w.id - b.lo as before
            from block b
           where b.first between w.id - 499 and w.id and b.lo <= w.id and b.hi >= w.id
           order by b.first desc
           limit 1) b on true
      """;

  // which members have not ended is looked up among the newest only
  static final String MEMBERS =
      """
      select m.id
        from (select id from task where batch = ? order by id desc limit ?) m
       where not exists (select from outcome o where o.id = m.id offset 0)
       order by m.id
       limit ?
      """;

  // not null would do, and let all of step_undo be read in the place of one round
  static final String UNDO =
      """
      select s.task, s.name, n.undo_task, n.name as before, o.state is not null as ended
        from (select ?::bigint as id) w
       cross join lateral (
         select s.task, s.round, s.name from step s where s.undo_task = w.id offset 0) s
       cross join lateral (
         select n.undo_task, n.name
           from step n
          where n.task = s.task and n.round = s.round
            and coalesce(n.undo_task, 0) > 0 and n.undone_at is null
          order by n.number desc
          limit 1) n
        left join lateral (
          select o.state from outcome o where o.id = n.undo_task offset 0) o on true
      """;

  static final String IN_TURN =
      """
      select b.then_task as parent, w.id - b.first as index, b.first + b.completed as at,
             b.failed + b.cancelled > 0 as stopped
        from (select ?::bigint as id) w
       cross join lateral (
         select t.batch from task t where t.id = w.id offset 0) t
       cross join lateral (
         select b.then_task, b.first, b.completed, b.failed, b.cancelled
           from batch b
          where b.id = t.batch and b.in_turn
         offset 0) b
      """;

  static final String PROBLEM =
      """
      select coalesce(a.error ->> 'message', '') as problem
        from attempt_log a
       where a.task = ? and a.ended = 'failed'
       order by a.id desc
       limit 1
      """;

  /** What a person did to a queue. */
  record Pause(String by, Instant at) {}

  /**
   * A lease that holds it.
   *
   * @param started when its attempt began, if it runs for a while already
   */
  record Held(UUID boot, String node, int slots, Instant claimed, Optional<Instant> started) {}

  /**
   * Aside of the lines.
   *
   * @param state paused or blocked
   * @param from what it was before; what it is again when it is released
   */
  record Aside(TaskState state, TaskState from, String by, Instant at) {}

  /**
   * A place in a lane.
   *
   * @param bid of its block; the greatest there can be for one that goes back to its due time later
   * @param before how many of this block come before it
   */
  record Place(
      Instant due,
      boolean retry,
      int failures,
      int crashes,
      boolean suspect,
      long bid,
      long before) {}

  /**
   * A task.
   *
   * @param ended if it has ended
   * @param held if it is leased
   * @param aside if it is parked
   * @param place where it waits or goes back to; empty if it has ended or is leased
   */
  record Home(
      long task,
      Instant now,
      String retry,
      int flags,
      int lane,
      String type,
      String queue,
      int priority,
      int requirement,
      Requirement requires,
      boolean pooled,
      Duration ageStep,
      Optional<Pause> pause,
      Optional<Wait.Ended> ended,
      Optional<Held> held,
      Optional<Aside> aside,
      Optional<Place> place) {

    TaskState state() {
      if (ended.isPresent()) {
        return ended.get().state();
      } else if (held.isPresent()) {
        return TaskState.RUNNING;
      }
      return aside.map(Aside::state).orElseGet(this::waiting);
    }

    /** {@return whether only its turn, or what keeps it from that, stands before it} */
    boolean due() {
      return aside.filter(a -> a.from() == TaskState.BLOCKED).isEmpty()
          && waiting() == TaskState.READY;
    }

    private TaskState waiting() {
      Place p = place.orElseThrow(() -> new IllegalStateException("task " + task + " is nowhere"));
      if (!p.due().isAfter(now)) {
        return TaskState.READY;
      }
      return p.retry() ? TaskState.RETRYING : TaskState.SCHEDULED;
    }
  }

  private WaitHomes() {}

  static Optional<Home> find(Connection connection, StoreClock clock, long task)
      throws SQLException {
    return Sql.first(connection, HOME, r -> home(task, r), task, clock.bound());
  }

  /** {@return what keeps it where it is, the outermost first} */
  static List<Wait> waits(Connection connection, Home home) throws SQLException {
    List<Wait> waits = new ArrayList<>();
    Optional<Aside> aside = home.aside();
    aside
        .filter(a -> a.state() == TaskState.PAUSED)
        .ifPresent(a -> waits.add(new Wait.Paused(a.by(), a.at())));
    if (aside.isPresent() && aside.get().from() == TaskState.BLOCKED) {
      waits.addAll(blocked(connection, home));
    } else if (!home.due()) {
      Place place = home.place().orElseThrow();
      waits.add(
          place.retry()
              ? new Wait.BackOff(
                  place.due(), place.failures(), home.retry(), problem(connection, home.task()))
              : new Wait.Scheduled(place.due()));
    }
    return waits;
  }

  private static List<Wait> blocked(Connection connection, Home home) throws SQLException {
    if ((home.flags() & Claim.UNDO) != 0) {
      return Sql.query(
          connection,
          UNDO,
          r ->
              new Wait.AfterUndo(
                  r.getLong("task"),
                  r.getString("name"),
                  r.getLong("undo_task"),
                  r.getString("before"),
                  r.getBoolean("ended")),
          home.task());
    }
    List<Wait> waits = new ArrayList<>();
    var batch = PgBatches.before(connection, home.task()).filter(b -> b.ended().isEmpty());
    if (batch.isPresent()) {
      List<Long> members =
          Sql.query(
              connection,
              MEMBERS,
              r -> r.getLong("id"),
              batch.get().id(),
              WaitReasons.MEMBERS_MAX,
              Wait.NAMED_MAX);
      waits.add(after(batch.get(), members));
    } else {
      waits.addAll(Sql.query(connection, IN_TURN, WaitHomes::inTurn, home.task()));
    }
    return waits;
  }

  private static Wait after(Batch batch, List<Long> members) {
    return switch (batch.kind()) {
      case BATCH, BROADCAST ->
          new Wait.AfterBatch(
              batch.id(), batch.live(), batch.total(), batch.sealed().isEmpty(), members);
      case SPLIT -> new Wait.AfterParts(batch.id(), batch.live(), batch.total(), members);
    };
  }

  private static Wait inTurn(ResultSet row) throws SQLException {
    return new Wait.InTurn(
        row.getLong("parent"), row.getInt("index"), row.getLong("at"), row.getBoolean("stopped"));
  }

  private static String problem(Connection connection, long task) throws SQLException {
    return Sql.first(connection, PROBLEM, r -> r.getString("problem"), task).orElse("");
  }

  private static Home home(long task, ResultSet r) throws SQLException {
    return new Home(
        task,
        Sql.instant(r, "now"),
        r.getString("retry"),
        r.getInt("flags"),
        r.getInt("lane"),
        r.getString("type"),
        r.getString("queue"),
        r.getInt("priority"),
        r.getInt("requirement"),
        Requirement.parse(r.getString("requires")),
        r.getBoolean("pooled"),
        Duration.ofMillis(r.getLong("age_step_ms")),
        Sql.maybeText(r, "paused_by").isEmpty()
            ? Optional.empty()
            : Optional.of(new Pause(r.getString("paused_by"), Sql.instant(r, "paused_at"))),
        Sql.maybeText(r, "ended").isEmpty()
            ? Optional.empty()
            : Optional.of(
                new Wait.Ended(
                    TaskRows.state(r.getString("ended")), Sql.instant(r, "finished_at"))),
        held(r),
        Sql.maybeText(r, "parked").isEmpty()
            ? Optional.empty()
            : Optional.of(
                new Aside(
                    TaskRows.state(r.getString("parked")),
                    TaskRows.state(r.getString("from_state")),
                    r.getString("by"),
                    Sql.instant(r, "at"))),
        Sql.maybeText(r, "kind").isEmpty()
            ? Optional.empty()
            : Optional.of(
                new Place(
                    Sql.instant(r, "due_at"),
                    r.getString("kind").equals("retry"),
                    r.getInt("failures"),
                    r.getInt("crashes"),
                    r.getBoolean("suspect"),
                    r.getLong("bid"),
                    r.getLong("before"))));
  }

  private static Optional<Held> held(ResultSet r) throws SQLException {
    Optional<Instant> claimed = Sql.maybeInstant(r, "claimed_at");
    return claimed.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Held(
                r.getObject("boot", UUID.class),
                Sql.maybeText(r, "node").orElse("?"),
                r.getInt("slots"),
                claimed.get(),
                Sql.maybeInstant(r, "started_at")));
  }
}
