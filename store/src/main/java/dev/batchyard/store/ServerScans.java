package dev.batchyard.store;

import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor.Found;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the doctor reads about the server beneath: partitions, snapshots, settings, clocks. */
final class ServerScans {

  /** What a node may hold: for each slot, and beside them (two pools and its session). */
  static final int CONNECTIONS_PER_SLOT = 2;

  static final int CONNECTIONS_BESIDE = 7;

  private static final Duration CLOCK_OFF_MAX = Duration.ofSeconds(2);

  /** The key of what makes spans ahead. */
  private static final String AHEAD = "ahead";

  private static final String SPANS =
      """
      select 'span ' || s.number as subject, w.key,
             'ids ' || s.lo || ' to ' || s.hi - 1 || ' ' || w.wrong as detail
        from id_span s
       cross join (select last_value as last from task_id) i
       cross join lateral (
         select '' as key, 'have no partition of ' || t.name as wrong
           from (values ('task'), ('outcome')) t (name)
          where s.closed is distinct from 'detached'
            and not exists (select from pg_inherits h
                             where h.inhparent = t.name::regclass
                               and h.inhrelid = to_regclass(t.name || '_' || s.number))
          union all
         select '%s', 'are nearly used up, and no span follows'
          where i.last >= s.hi - (s.hi - s.lo) / 4 and s.lo = (select max(lo) from id_span)
          union all
         select '', 'are kept: ' || s.kept_why
          where s.closed is null and s.keep_until is null and s.kept_why is not null
          union all
         select '', 'are being deleted, and the last step was at ' || s.worked_at
          where s.closed is not null
            and s.worked_at < coalesce(?::timestamptz, clock_timestamp()) - interval '1 h') w
       union all
      select 'log_line_default', '', 'it holds lines, the first of ' || l.at
        from (select at from log_line_default limit 1) l
      """
          .formatted(AHEAD);

  private static final String HOLDERS =
      """
      select subject, key, detail
        from (select 'pid ' || pid as subject, '' as key,
                     format('%s in %s, of %s, for %s', state,
                            coalesce(nullif(application_name, ''), 'no named program'), usename,
                            date_trunc('second', clock_timestamp() - xact_start)) as detail,
                     xact_start as since
                from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()
                 and backend_type <> 'autovacuum worker'
                 and (xact_start < clock_timestamp() - ? * interval '1 ms'
                      or (state like 'idle in transaction%'
                          and state_change < clock_timestamp() - ? * interval '1 ms'))
               union all
              select 'prepared transaction ' || gid, '', 'of ' || owner || ', since ' || prepared, prepared
                from pg_prepared_xacts
               where database = current_database()
                 and prepared < clock_timestamp() - ? * interval '1 ms'
               union all
              select 'replication slot ' || slot_name, '',
                     'nobody reads it; it keeps what was written since ' || coalesce(restart_lsn::text, '?'),
                     null
                from pg_replication_slots
               where not active and (restart_lsn is not null or xmin is not null)
               union all
              select 'sessions of other roles', '',
                     format('%s of %s cannot be looked into; grant pg_monitor to %I', count(*),
                            left(string_agg(distinct usename::text, ', ' order by usename::text), 200),
                            current_user),
                     null
                from pg_stat_activity -- whoever may not see them is told of no type
               where datname = current_database() and backend_type is null and usename is not null
              having count(*) > 0) h
       order by since
      """;

  private static final String DEAD =
      """
      select 'table ' || relname as subject, '' as key,
             format('%s dead rows and %s live ones; vacuumed last %s', n_dead_tup, n_live_tup,
                    coalesce(greatest(last_vacuum, last_autovacuum)::text, 'never')) as detail
        from pg_stat_user_tables
       where schemaname = current_schema() and n_dead_tup >= ? and n_dead_tup > n_live_tup
       order by n_dead_tup desc
      """;

  private static final String UNSAFE =
      """
      select name as subject, '' as key, 'it is ' || setting || ': ' || w.why as detail
        from pg_settings
        join (values ('fsync', 'off', 'a crash of the machine loses what was acknowledged, or all'),
                     ('full_page_writes', 'off', 'a crash of the machine may leave torn pages'),
                     ('synchronous_commit', 'off', 'a crash loses what was acknowledged'),
                     ('zero_damaged_pages', 'on', 'damaged pages are emptied'),
                     ('autovacuum', 'off', 'dead rows are never cleared away'),
                     ('track_counts', 'off', 'autovacuum does not know where to work')) w (setting_of, bad, why)
          on w.setting_of = name and w.bad = setting
       order by name
      """;

  private static final String NEEDED =
      """
      select 'server' as subject, '' as key,
             format('%s live nodes may need %s connections, it allows %s (max_connections %s, of which %s are reserved)',
                    nodes, needed, most - reserved, most, reserved) as detail
        from (select count(*) as nodes, sum(slots * %d + %d) as needed
                from node
               where fenced_at is null and lease_until >= coalesce(?::timestamptz, clock_timestamp())) n
       cross join (
         select current_setting('max_connections')::int as most,
                current_setting('superuser_reserved_connections')::int
                + coalesce(current_setting('reserved_connections', true)::int, 0) as reserved) s
       where needed > most - reserved
      """
          .replace("%d + %d", CONNECTIONS_PER_SLOT + " + " + CONNECTIONS_BESIDE);

  private static final String NOW =
      """
      select clock_timestamp() as now
      """;

  /**
   * From when on something is worth telling.
   *
   * @param transaction how old one may be
   * @param idle how long one may be idle, or prepared
   * @param deadRows of one table
   */
  record Bounds(Duration transaction, Duration idle, long deadRows) {
    static final Bounds DEFAULT =
        new Bounds(Duration.ofMinutes(10), Duration.ofMinutes(1), 100_000);
  }

  private final StoreClock clock;
  private final IdSpans spans;
  private final Optional<InstantSource> nodeClock;
  private final Bounds bounds;

  ServerScans(StoreClock clock, IdSpans spans, Optional<InstantSource> nodeClock, Bounds bounds) {
    this.clock = clock;
    this.spans = spans;
    this.nodeClock = nodeClock;
    this.bounds = bounds;
  }

  Map<Check, Scan> all() {
    Map<Check, Scan> scans = new HashMap<>();
    scans.put(
        Check.PARTITIONS,
        new Scan(
            Scan.glance(SPANS, () -> new @Nullable Object[] {clock.bound()}),
            false,
            this::makeAhead));
    scans.put(
        Check.SNAPSHOTS,
        seen(
            HOLDERS,
            bounds.transaction().toMillis(),
            bounds.idle().toMillis(),
            bounds.idle().toMillis()));
    scans.put(Check.DEAD_ROWS, seen(DEAD, bounds.deadRows()));
    scans.put(Check.SETTINGS, seen(UNSAFE));
    scans.put(
        Check.CONNECTIONS,
        new Scan(
            Scan.glance(NEEDED, () -> new @Nullable Object[] {clock.bound()}), false, _ -> false));
    nodeClock.ifPresent(mine -> scans.put(Check.CLOCK, new Scan(clockOf(mine), false, _ -> false)));
    return scans;
  }

  private static Scan seen(String sql, Object... values) {
    return new Scan(Scan.glance(sql, () -> values), false, _ -> false);
  }

  private boolean makeAhead(Found found) {
    if (!found.key().equals(AHEAD)) {
      return false;
    }
    spans.makeAhead();
    return true;
  }

  /** The database's time was read at some instant between two of ours. */
  private static Scan.Pages clockOf(InstantSource mine) {
    return new Scan.Pages() {
      @Override
      public String start(Connection connection) {
        return "";
      }

      @Override
      public Scan.Page page(Connection connection, String from) throws SQLException {
        Instant before = mine.instant();
        Instant database = Sql.query(connection, NOW, r -> Sql.instant(r, "now")).getFirst();
        Instant after = mine.instant();
        boolean ahead = before.isAfter(database.plus(CLOCK_OFF_MAX));
        boolean behind = after.isBefore(database.minus(CLOCK_OFF_MAX));
        List<Found> found =
            ahead
                ? List.of(off(Duration.between(database, before), "ahead of"))
                : behind ? List.of(off(Duration.between(after, database), "behind")) : List.of();
        return new Scan.Page(found, 1, Optional.empty());
      }
    };
  }

  private static Found off(Duration by, String where) {
    return new Found(
        "clock",
        "",
        "that of this node is %d s %s the database's".formatted(by.toSeconds(), where));
  }
}
