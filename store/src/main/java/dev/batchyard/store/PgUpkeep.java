package dev.batchyard.store;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.Upkeep;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes partitions ahead: of tasks and outcomes by id, of log lines by day (UTC). One node at a
 * time; the others pass. Sweeps what nobody will look for again, which {@link Retention} does for
 * what there may be much of.
 */
final class PgUpkeep implements Upkeep {

  private static final Logger LOG = LoggerFactory.getLogger(PgUpkeep.class);
  private static final int DAYS_AHEAD = 2;
  private static final DateTimeFormatter DAY = DateTimeFormatter.BASIC_ISO_DATE;
  private static final String LOG_PREFIX = "log_line_";

  private static final String TRY_LOCK =
      """
      select pg_try_advisory_xact_lock(hashtext('batchyard upkeep'), 1)
      """;

  private static final String NOW =
      """
      select coalesce(?::timestamptz, clock_timestamp()) as now
      """;

  private static final String PARTITIONS =
      """
      select c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
       where i.inhparent = ?::regclass
      """;

  private static final String ORPHANED_ROWS =
      """
      delete from running r where not exists (select from lease l where l.id = r.lease)
      """;

  private static final String FORGOTTEN_NODES =
      """
      delete from node n
       where n.fenced_at < coalesce(?::timestamptz, clock_timestamp()) - interval '7 days'
         and not exists (select from lease l where l.boot = n.boot)
      """;

  private final Db db;
  private final StoreClock clock;
  private final IdSpans spans;
  private final ForsakenParts forsaken;
  private final Retention retention;
  private final DoctorRounds rounds;
  private final Duration logRetention;

  PgUpkeep(
      Db db,
      StoreClock clock,
      IdSpans spans,
      ForsakenParts forsaken,
      PgDoctor doctor,
      Store.Settings settings) {
    this.db = db;
    this.clock = clock;
    this.spans = spans;
    this.forsaken = forsaken;
    this.retention = new Retention(db, clock, settings.taskRetention());
    this.rounds = new DoctorRounds(db, clock, doctor);
    this.logRetention = settings.logRetention();
  }

  @Override
  public void runOnce() {
    spans.makeAhead();
    moveOn();
    boolean _ =
        db.transaction(c -> {
          if (!Sql.query(c, TRY_LOCK, r -> r.getBoolean(1)).getFirst()) {
            return false;
          }
          Sql.run(c, "set local lock_timeout = '2s'");
          LocalDate today = today(c);
          makeLogPartitions(c, today);
          dropOldLogs(c, today);
          Sql.run(c, ORPHANED_ROWS);
          Sql.run(c, FORGOTTEN_NODES, clock.bound());
          return true;
        });
    forsaken.cancelAll(); // last: what fails here holds up nothing else
  }

  private void moveOn() {
    try {
      spans.moveOn();
    } catch (StoreUnavailable e) {
      if (!SqlStates.lockTimedOut(e)) {
        throw e;
      }
      LOG.debug("the ids move on to the next span later", e);
    }
  }

  @Override
  public boolean prune() {
    return retention.step();
  }

  @Override
  public boolean examine() {
    return rounds.step();
  }

  @Override
  public void rollUp() {
    boolean _ =
        db.transaction(c -> {
          boolean mine = Sql.query(c, TRY_LOCK, r -> r.getBoolean(1)).getFirst();
          if (mine) {
            Tally.rollUp(c, Tally.LOOSE_MAX);
            CrashPoint.TALLY_ROLLED.pass();
          }
          return mine;
        });
  }

  private void makeLogPartitions(Connection connection, LocalDate today) throws SQLException {
    Set<String> there = partitions(connection, "log_line");
    for (int i = 0; i <= DAYS_AHEAD; i++) {
      LocalDate day = today.plusDays(i);
      String name = LOG_PREFIX + DAY.format(day);
      if (!there.contains(name)) {
        makeLog(connection, name, literal(day), literal(day.plusDays(1)));
        CrashPoint.LOG_DAY_MADE.pass();
      }
    }
  }

  private void dropOldLogs(Connection connection, LocalDate today) throws SQLException {
    LocalDate oldest = today.minusDays(logRetention.toDays());
    for (String name : partitions(connection, "log_line")) {
      String day = name.substring(LOG_PREFIX.length());
      if (!day.equals("default") && LocalDate.parse(day, DAY).isBefore(oldest)) {
        Sql.run(connection, "drop table " + name);
      }
    }
    Sql.run(connection, "delete from log_line_default where at < " + literal(oldest));
  }

  private static void makeLog(Connection connection, String name, String from, String to)
      throws SQLException {
    Partitions.make(connection, "log_line", name);
    // lines that come between the move and the attaching would keep the partition from its place
    Sql.run(connection, "lock table log_line_default in share row exclusive mode");
    Sql.run(
        connection,
        """
        with moved as (
          delete from log_line_default where at >= %s and at < %s returning *)
        insert into %s select * from moved
        """
            .formatted(from, to, name));
    Partitions.attach(connection, "log_line", name, from, to);
  }

  private LocalDate today(Connection connection) throws SQLException {
    Instant now = Sql.query(connection, NOW, r -> Sql.instant(r, "now"), clock.bound()).getFirst();
    return LocalDate.ofInstant(now, ZoneOffset.UTC);
  }

  private static Set<String> partitions(Connection connection, String table) throws SQLException {
    return Set.copyOf(Sql.query(connection, PARTITIONS, r -> r.getString("relname"), table));
  }

  private static String literal(LocalDate day) {
    return "timestamptz '" + day + " 00:00:00+00'";
  }
}
