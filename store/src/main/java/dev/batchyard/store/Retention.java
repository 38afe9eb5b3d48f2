package dev.batchyard.store;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.StoreUnavailable;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drops spans of ids all of whose tasks ended longer ago than the retention, with everything that
 * tells of these tasks. In steps, each of them short and possibly the last one of this process:
 * closed to reruns, looked through, detached, side rows deleted, counted, dropped together with
 * what the tally says of it. A span that a process left half way is taken up by another ten minutes
 * later. Keys past their time go first, by pages. One thread at a time.
 */
final class Retention {

  private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

  /** So long after its last step a span belongs to nobody. */
  private static final Duration ABANDONED = Duration.ofMinutes(10);

  private static final int DETACH_TRIES = 5;

  /** Rows of the tables beside the spans that one step deletes at most. */
  private static final int ROWS = 10_000;

  /** The most batches that a step looks at. */
  private static final int BATCHES = 1_000;

  /** Keys past their time that one step deletes at most. */
  static final int KEYS = 10_000;

  /**
   * A key is kept so much longer than it holds: a submit says at its start when it was, and one
   * that is held up must still find the key that was held then. Far beyond the longest statement.
   */
  static final Duration KEYS_LONGER = Duration.ofMinutes(5);

  private static final long IDS = 100_000;

  /** Tables with rows of tasks; keys are kept for their own time. */
  private static final List<String> SIDES =
      List.of(
          "attempt_log",
          "event",
          "checkpoint",
          "checkpoint_log",
          "reject",
          "expiry",
          "step",
          "compensation");

  private static final String NOW =
      """
      select coalesce(?::timestamptz, clock_timestamp()) as now
      """;

  private static final String NEXT =
      """
      select number, lo, hi, closed, kept_why
        from (select *, lead(entered_at) over (order by lo) as left_at from id_span) s
       where (closed = 'detached' or left_at <= ? and coalesce(keep_until <= ?, true))
         and coalesce(worked_at <= ?, true)
         and number > ?
       order by number
       limit 1
      """;

  private static final String TAKE =
      """
      update id_span set worked_at = ?, closed = coalesce(closed, 'closing')
       where number = ? and coalesce(worked_at <= ?, true)
      """;

  private static final String GO_ON =
      """
      update id_span set worked_at = ? where number = ? and worked_at = ?
      """;

  private static final String KEEP =
      """
      update id_span set closed = null, worked_at = null, keep_until = ?, kept_why = ?
       where number = ? and closed is distinct from 'detached' and worked_at is not distinct from ?
      """;

  private static final String ALIVE =
      """
      select coalesce(
        (select 'task ' || greatest(b.lo, w.lo) || ' waits' from block b
          where b.first > w.lo - 500 and b.first < w.hi and b.lo < w.hi and b.hi >= w.lo
          order by b.first limit 1),
        (select 'task ' || lower(l.ids * w.ids) || ' runs' from lease l
          where l.ids && w.ids limit 1),
        (select 'task ' || p.id || ' is ' || p.state from parked p
          where p.id >= w.lo and p.id < w.hi order by p.id limit 1),
        (select 'steps of task ' || c.task || ' are not undone' from compensation c
          where c.state <> 'undone'
            and (c.task >= w.lo and c.task < w.hi
                 or exists (select from step s
                             where s.task = c.task and s.round = c.round
                               and s.undo_task >= w.lo and s.undo_task < w.hi))
          order by c.task limit 1)) as why
        from (select ?::bigint as lo, ?::bigint as hi,
                     int8multirange(int8range(?::bigint, ?::bigint)) as ids) w
      """;

  private static final String LAST_END =
      """
      select max(finished_at) as at from outcome where id >= ? and id < ?
      """;

  // in the order in which others take them: the whole table, then its partition
  private static final String HOLD_TABLES =
      """
      lock table only task, only outcome in access exclusive mode
      """;

  private static final String DETACHED =
      """
      update id_span set closed = 'detached' where number = ? and worked_at = ?
      """;

  private static final String FORGET =
      """
      delete from id_span where number = ? and worked_at = ?
      """;

  private static final String SUBTRACT =
      """
      insert into tally (day, lane, state, n)
      select day::date, lane, state::task_state, -n
        from unnest(?::text[], ?::integer[], ?::text[], ?::bigint[]) s (day, lane, state, n)
      """;

  // live keys have no end of their own; one that a submit is taking over is let be
  private static final String FORGET_KEYS =
      """
      delete from task_key where ctid = any (array(
        select ctid from task_key where until < 'infinity' and until <= ?
         limit ? for update skip locked))
      """;

  // total once more: a member may have joined since, and this snapshot does not see it
  private static final String FORGET_BATCHES =
      """
      with bound as materialized (
        select ?::timestamptz as until),
      page as materialized (
        select id, opened_at, total from batch where id > ? order by id limit ?),
      gone as (
        delete from batch b
         using page p
         where b.id = p.id and p.opened_at <= (select until from bound) and b.total = p.total
           and b.completed + b.failed + b.cancelled = b.total
           and (select t.id from task t where t.batch = b.id limit 1) is null
           and (select t.id from task t where t.id = b.then_task) is null)
      select max(id) as last, bool_and(opened_at <= (select until from bound)) as old, count(*) as n
        from page
      """;

  private record Span(int number, long lo, long hi, boolean detached, Optional<String> kept) {}

  /** So many batches were looked at, up to this id; all of them old. */
  private record BatchPage(long last, boolean old, int looked) {}

  private record Sum(String day, int lane, String state) {}

  /** A span that is being worked at. */
  private static final class Work {
    final Span span;
    final Map<Sum, Long> sums = new HashMap<>();
    Instant token;
    boolean detached;
    int side;

    /** The next id of the walk through the outcomes. */
    long at;

    Work(Span span, Instant token) {
      this.span = span;
      this.token = token;
      this.detached = span.detached();
      this.at = span.lo();
    }
  }

  private final Db db;
  private final StoreClock clock;
  private final Duration kept;
  private @Nullable Work work;

  /** Batches up to this one have been looked at in this round. */
  private long batchesDone;

  /** Spans up to this one have been looked at in this round. */
  private int done = -1;

  Retention(Db db, StoreClock clock, Duration kept) {
    this.db = db;
    this.clock = clock;
    this.kept = kept;
  }

  /** Does one step; {@return whether there is another to do soon} */
  boolean step() {
    Instant now = db.query(NOW, r -> Sql.instant(r, "now"), clock.bound()).getFirst();
    Work current = work;
    work = null; // if this step fails, the span is taken up again when it is abandoned
    if (current == null) {
      return begin(now);
    }
    if (db.update(GO_ON, now, current.span.number(), current.token) == 1) {
      current.token = now;
      if (current.detached ? empty(current) : lookThrough(current, now)) {
        work = current;
      }
    }
    return true;
  }

  private boolean begin(Instant now) {
    if (db.update(FORGET_KEYS, now.minus(KEYS_LONGER), KEYS) == KEYS) {
      return true;
    }
    Instant abandoned = now.minus(ABANDONED);
    Optional<Span> next =
        db.query(NEXT, Retention::span, now.minus(kept), now, abandoned, done).stream().findFirst();
    if (next.isEmpty()) {
      boolean more = forgetBatches(now);
      done = more ? done : -1;
      return more;
    }
    Span span = next.get();
    done = span.number();
    Optional<String> alive = span.detached() ? Optional.empty() : alive(span);
    if (alive.isPresent()) {
      keep(span, null, Optional.empty(), alive.get());
    } else if (db.update(TAKE, now, span.number(), abandoned) == 1) {
      CrashPoint.SPAN_TAKEN.pass();
      work = new Work(span, now); // reruns that had begun are over; no other begins
    }
    return true;
  }

  /**
   * Looks at some batches, the oldest first, and deletes those that were opened before the
   * retention and of which no task is kept; {@return whether there are more to look at}
   */
  private boolean forgetBatches(Instant now) {
    BatchPage page =
        db.query(FORGET_BATCHES, Retention::batchPage, now.minus(kept), batchesDone, BATCHES)
            .getFirst();
    boolean more = page.old() && page.looked() == BATCHES;
    batchesDone = more ? page.last() : 0;
    return more;
  }

  private static BatchPage batchPage(ResultSet row) throws SQLException {
    return new BatchPage(row.getLong("last"), row.getBoolean("old"), row.getInt("n"));
  }

  /** Looks at some outcomes, at the end detaches; {@return whether to go on with this span} */
  private boolean lookThrough(Work w, Instant now) {
    if (w.at < w.span.hi()) {
      Optional<Instant> last =
          db.query(LAST_END, r -> Sql.maybeInstant(r, "at"), w.at, pageEnd(w)).getFirst();
      w.at = pageEnd(w);
      if (last.isPresent() && last.get().isAfter(now.minus(kept))) {
        String why = "a task ended at " + last.get();
        keep(w.span, w.token, last.map(at -> at.plus(kept)), why);
        return false;
      }
      return true;
    }
    Optional<String> why = detach(w);
    if (why.isPresent()) {
      keep(w.span, w.token, Optional.empty(), why.get());
      return false;
    }
    CrashPoint.SPAN_DETACHED.pass();
    w.detached = true;
    w.at = w.span.lo();
    return true;
  }

  /** Takes the partitions out of their tables; {@return why it cannot be} */
  private Optional<String> detach(Work w) {
    for (int tries = 0; tries < DETACH_TRIES; tries++) {
      try {
        return db.transaction(c -> detach(c, w));
      } catch (StoreUnavailable e) {
        if (!SqlStates.lockTimedOut(e)) {
          throw e;
        }
      }
    }
    return Optional.of("others read it all the time");
  }

  private static Optional<String> detach(Connection connection, Work w) throws SQLException {
    Sql.run(connection, "set local lock_timeout = '100ms'");
    Sql.run(connection, HOLD_TABLES);
    Span span = w.span;
    Optional<String> alive =
        Sql.query(connection, ALIVE, Retention::why, span.lo(), span.hi(), span.lo(), span.hi())
            .getFirst(); // a submit that took very long could have come meanwhile
    if (alive.isEmpty() && Sql.update(connection, DETACHED, span.number(), w.token) == 1) {
      for (String table : List.of("task", "outcome")) {
        Sql.run(
            connection,
            "alter table %1$s detach partition %1$s_%2$d".formatted(table, span.number()));
      }
      return Optional.empty();
    }
    return alive.or(() -> Optional.of("another node works at it"));
  }

  /** Deletes some rows or counts some, at the end drops; {@return whether there are more} */
  private boolean empty(Work w) {
    Span span = w.span;
    if (w.side < SIDES.size()) {
      if (db.update(sweep(SIDES.get(w.side)), span.lo(), span.hi(), ROWS) < ROWS) {
        w.side++;
      }
      return true;
    }
    if (w.at < span.hi()) {
      db.query(sums(span.number()), Retention::sum, w.at, pageEnd(w))
          .forEach(e -> w.sums.merge(e.getKey(), e.getValue(), Long::sum));
      w.at = pageEnd(w);
      return true;
    }
    boolean mine = db.transaction(c -> drop(c, w));
    if (mine) {
      LOG.info(
          "tasks {} to {} deleted: all ended over {} days ago",
          span.lo(),
          span.hi() - 1,
          kept.toDays());
    }
    return false;
  }

  private static boolean drop(Connection connection, Work w) throws SQLException {
    int number = w.span.number();
    if (Sql.update(connection, FORGET, number, w.token) == 0) {
      return false;
    }
    List<Map.Entry<Sum, Long>> sums = new ArrayList<>(w.sums.entrySet());
    Sql.run(
        connection,
        SUBTRACT,
        sums.stream().map(e -> e.getKey().day()).toArray(String[]::new),
        sums.stream().mapToInt(e -> e.getKey().lane()).toArray(),
        sums.stream().map(e -> e.getKey().state()).toArray(String[]::new),
        sums.stream().mapToLong(Map.Entry::getValue).toArray());
    CrashPoint.SPAN_FORGOTTEN.pass();
    Sql.run(connection, "drop table task_%1$d, outcome_%1$d".formatted(number));
    return true;
  }

  /** Opens it again, if it is still ours. */
  private void keep(Span span, @Nullable Instant token, Optional<Instant> until, String why) {
    boolean mine = db.update(KEEP, until, why, span.number(), token) == 1;
    if (mine && !span.kept().equals(Optional.of(why))) {
      LOG.info("tasks {} to {} are kept: {}", span.lo(), span.hi() - 1, why);
    }
  }

  private Optional<String> alive(Span span) {
    return db.query(ALIVE, Retention::why, span.lo(), span.hi(), span.lo(), span.hi()).getFirst();
  }

  private static String sweep(String side) {
    return """
    delete from %1$s where ctid = any (array(
      select ctid from %1$s where task >= ? and task < ? limit ?))
    """
        .formatted(side);
  }

  private static String sums(int number) {
    return """
    select (finished_at at time zone 'UTC')::date::text as day, lane, state::text as state,
           count(*) as n
      from outcome_%d
     where id >= ? and id < ?
     group by 1, 2, 3
    """
        .formatted(number);
  }

  private static long pageEnd(Work w) {
    return Math.min(w.at + IDS, w.span.hi());
  }

  private static Optional<String> why(ResultSet row) throws SQLException {
    return Sql.maybeText(row, "why");
  }

  private static Map.Entry<Sum, Long> sum(ResultSet row) throws SQLException {
    return Map.entry(
        new Sum(row.getString("day"), row.getInt("lane"), row.getString("state")),
        row.getLong("n"));
  }

  private static Span span(ResultSet row) throws SQLException {
    return new Span(
        row.getInt("number"),
        row.getLong("lo"),
        row.getLong("hi"),
        "detached".equals(row.getString("closed")),
        Sql.maybeText(row, "kept_why"));
  }
}
