package dev.batchyard.store;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.StoreUnavailable;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The spans of ids, each with a partition of task and one of outcome. The next one is made when the
 * last one is half used, by upkeep or by whoever submits; a submit that finds none all the same
 * makes it and tries again. Once a day the ids move on to the next span, so that one day's tasks
 * can be dropped without another's. Thread-safe.
 */
final class IdSpans {

  /** Ids of a span where a day does not fill half of one. */
  static final long IDS = 1_000_000;

  private static final Logger LOG = LoggerFactory.getLogger(IdSpans.class);

  /** A span that is made while they are used up faster is by so much larger. */
  private static final int FAST = 10;

  private static final Duration EACH = Duration.ofDays(1);

  /** Others may use up the ids of a new span before this submit runs again. */
  private static final int TRIES_MAX = 5;

  private static final String LOCK =
      """
      select pg_advisory_xact_lock(hashtext('batchyard upkeep'), 2)
      """;

  private static final String NOW =
      """
      select coalesce(?::timestamptz, clock_timestamp()) as now, last_value as last,
             is_called as used
        from task_id
      """;

  private static final String LATEST =
      """
      select number, lo, hi, entered_at from id_span order by lo desc limit 1
      """;

  private static final String CURRENT =
      """
      select number, lo, hi, entered_at from id_span where lo <= ? order by lo desc limit 1
      """;

  private static final String ENTER =
      """
      update id_span set entered_at = ? where lo <= ? and entered_at is null
      """;

  private static final String ADD =
      """
      insert into id_span (number, lo, hi) values (?, ?, ?)
      """;

  // Changes nothing, but from here on no id is taken until the end of the transaction.
  private static final String HOLD_IDS =
      """
      alter sequence task_id no cycle
      """;

  private static final String TAKE =
      """
      select setval('task_id', case when is_called then last_value else last_value - 1 end + ?) as last
        from task_id
      """;

  private record Span(int number, long lo, long hi, Optional<Instant> entered) {

    /** From this id on the next one is due. */
    long middle() {
      return lo + (hi - lo) / 2;
    }

    boolean enteredSince(Instant then) {
      return entered.filter(at -> at.isAfter(then)).isPresent();
    }
  }

  /**
   * Of a span that was moved on to, {@code last} is the first id, not used before somebody takes
   * it.
   */
  private record Moment(Instant now, long last, boolean used) {}

  private final Db db;
  private final StoreClock clock;
  private final long ids;
  private final ReentrantLock making = new ReentrantLock();

  /** From this id on the next span is due; 0 as long as nobody has looked. */
  private volatile long due;

  IdSpans(Db db, StoreClock clock, long ids) {
    this.db = db;
    this.clock = clock;
    this.ids = ids;
  }

  /** Runs what takes ids, all or nothing; if there is no partition for them, makes it first. */
  <T> T withRoom(Supplier<T> submit) {
    for (int tries = 1; ; tries++) {
      try {
        return submit.get();
      } catch (StatementFailed e) {
        if (!e.isNoPartition() || tries == TRIES_MAX) {
          throw e;
        }
        makeAhead();
      }
    }
  }

  /**
   * Takes so many ids that follow each other; returns the first. Who submits waits for a moment.
   * Those that are not used are lost.
   */
  long take(int count) {
    long last =
        db.transaction(c -> {
          Sql.run(c, "set local lock_timeout = '5s'");
          Sql.run(c, HOLD_IDS);
          return Sql.first(c, TAKE, r -> r.getLong("last"), count).orElseThrow();
        });
    return last - count + 1;
  }

  /** To be told of the highest id of a submit. */
  void took(long id) {
    if (id >= due && making.tryLock()) {
      try {
        due = db.query(LATEST, IdSpans::span).getFirst().middle();
        if (id >= due) {
          makeAhead();
        }
      } catch (StoreUnavailable | StatementFailed e) {
        // the submit is stored all the same; upkeep or the next submit comes again
        LOG.warn("no partitions made ahead", e);
      } finally {
        making.unlock();
      }
    }
  }

  /** Makes what will be needed next. */
  void makeAhead() {
    due =
        db.transaction(c -> {
          Sql.run(c, "set local lock_timeout = '5s'");
          Sql.run(c, LOCK);
          return makeAhead(c);
        });
  }

  /**
   * Moves the ids on to the next span if the current one was entered a day ago. Submits wait for it
   * a tenth of a second at most.
   *
   * @throws StoreUnavailable if those before it took longer; to be tried again later
   */
  void moveOn() {
    due =
        db.transaction(c -> {
          Sql.run(c, "set local lock_timeout = '100ms'");
          Sql.run(c, LOCK);
          Moment before = moment(c);
          Span current = current(c, before.last());
          boolean fresh =
              current.entered().isEmpty() || current.enteredSince(before.now().minus(EACH));
          if (!fresh && before.used()) {
            Sql.run(c, HOLD_IDS);
            // others may have taken ids until now: those of a later span stay where they are
            if (moment(c).last() < current.hi() - 1) {
              Sql.run(c, "alter sequence task_id restart with " + current.hi());
              CrashPoint.IDS_MOVED.pass();
            }
          }
          return makeAhead(c);
        });
  }

  /** {@return from which id on the next one is due} */
  private long makeAhead(Connection connection) throws SQLException {
    Moment at = moment(connection);
    Sql.run(connection, ENTER, at.now(), at.last());
    Span top = Sql.query(connection, LATEST, IdSpans::span).getFirst();
    if (at.last() >= top.middle()) {
      Span current = current(connection, at.last());
      boolean fast = at.last() >= current.middle() && current.enteredSince(at.now().minus(EACH));
      while (at.last() >= top.middle()) {
        top = add(connection, top, fast ? FAST * ids : ids);
      }
      Sql.run(connection, ENTER, at.now(), at.last());
    }
    return top.middle();
  }

  private static Span add(Connection connection, Span top, long ids) throws SQLException {
    Span next = new Span(top.number() + 1, top.hi(), top.hi() + ids, Optional.empty());
    for (String table : List.of("task", "outcome")) {
      String name = table + "_" + next.number();
      Partitions.make(connection, table, name);
      Partitions.attach(
          connection, table, name, Long.toString(next.lo()), Long.toString(next.hi()));
    }
    Sql.run(connection, ADD, next.number(), next.lo(), next.hi());
    CrashPoint.SPAN_MADE.pass();
    return next;
  }

  private static Span current(Connection connection, long last) throws SQLException {
    return Sql.query(connection, CURRENT, IdSpans::span, last).getFirst();
  }

  private static Span span(ResultSet row) throws SQLException {
    return new Span(
        row.getInt("number"),
        row.getLong("lo"),
        row.getLong("hi"),
        Sql.maybeInstant(row, "entered_at"));
  }

  private Moment moment(Connection connection) throws SQLException {
    return Sql.query(
            connection,
            NOW,
            r -> new Moment(Sql.instant(r, "now"), r.getLong("last"), r.getBoolean("used")),
            clock.bound())
        .getFirst();
  }
}
