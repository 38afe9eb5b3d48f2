package dev.batchyard.store;

import dev.batchyard.engine.port.Upkeep;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Set;

/**
 * Makes partitions ahead: of tasks and outcomes by id, of log lines by day (UTC). One node at a
 * time; the others pass. Sweeps what nobody will look for again.
 */
final class PgUpkeep implements Upkeep {

  /** Ids in a partition of task and of outcome. */
  static final long PARTITION_IDS = 10_000_000;

  private static final int DAYS_AHEAD = 2;
  private static final DateTimeFormatter DAY = DateTimeFormatter.BASIC_ISO_DATE;
  private static final String LOG_PREFIX = "log_line_";

  private static final String TRY_LOCK =
      """
      select pg_try_advisory_xact_lock(hashtext('batchyard upkeep'), 1)
      """;

  private static final String NOW =
      """
      select coalesce(?::timestamptz, clock_timestamp()) as now,
             (select last_value from task_id) as last_id
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

  // live keys have no end of their own; what is past its time may be taken over anyway
  private static final String PAST_KEYS =
      """
      delete from task_key
       where until < 'infinity' and until <= coalesce(?::timestamptz, clock_timestamp())
      """;

  private final Db db;
  private final StoreClock clock;
  private final Duration logRetention;

  PgUpkeep(Db db, StoreClock clock, Duration logRetention) {
    this.db = db;
    this.clock = clock;
    this.logRetention = logRetention;
  }

  @Override
  public void runOnce() {
    boolean _ =
        db.transaction(c -> {
          if (!Sql.query(c, TRY_LOCK, r -> r.getBoolean(1)).getFirst()) {
            return false;
          }
          Sql.run(c, "set local lock_timeout = '2s'");
          makeIdPartitions(c);
          LocalDate today = today(c);
          makeLogPartitions(c, today);
          dropOldLogs(c, today);
          Sql.run(c, ORPHANED_ROWS);
          Sql.run(c, FORGOTTEN_NODES, clock.bound());
          Sql.run(c, PAST_KEYS, clock.bound());
          return true;
        });
  }

  @Override
  public void rollUp() {
    boolean _ =
        db.transaction(c -> {
          boolean mine = Sql.query(c, TRY_LOCK, r -> r.getBoolean(1)).getFirst();
          if (mine) {
            Tally.rollUp(c, Tally.LOOSE_MAX);
          }
          return mine;
        });
  }

  private void makeIdPartitions(Connection connection) throws SQLException {
    long last = Sql.query(connection, NOW, r -> r.getLong("last_id"), clock.bound()).getFirst();
    long through = last / PARTITION_IDS + 1;
    for (String table : List.of("task", "outcome")) {
      Set<String> there = partitions(connection, table);
      for (long n = through - 1; n <= through; n++) {
        String name = table + "_" + n;
        if (!there.contains(name)) {
          make(
              connection,
              name,
              table,
              Long.toString(n * PARTITION_IDS),
              Long.toString((n + 1) * PARTITION_IDS));
        }
      }
    }
  }

  private void makeLogPartitions(Connection connection, LocalDate today) throws SQLException {
    Set<String> there = partitions(connection, "log_line");
    for (int i = 0; i <= DAYS_AHEAD; i++) {
      LocalDate day = today.plusDays(i);
      String name = LOG_PREFIX + DAY.format(day);
      if (!there.contains(name)) {
        make(connection, name, "log_line", literal(day), literal(day.plusDays(1)));
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

  // A partition is attached, not created in place: that would lock the whole table against reading.
  private static void make(Connection connection, String name, String table, String from, String to)
      throws SQLException {
    Sql.run(
        connection,
        """
        create table %s (like %s including defaults including constraints including indexes)
        """
            .formatted(name, table));
    if (table.equals("log_line")) {
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
    }
    Sql.run(
        connection,
        """
        alter table %s attach partition %s for values from (%s) to (%s)
        """
            .formatted(table, name, from, to));
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
