package dev.batchyard.store;

import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.NodeViews;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;

/** Reads of the node table. */
final class PgNodeViews implements NodeViews {

  private static final String NODES =
      """
      select n.boot, n.name, n.host, n.pid, n.version, n.slots, n.refused, n.started_at, n.beat_at,
             n.fenced_at is null and n.lease_until >= c.now as alive,
             coalesce(n.fenced_why, '') as fenced_why,
             coalesce(l.running, 0) as running, n.running as active, n.cpu, n.memory, n.disk, n.load,
             d.by as cordoned_by, d.at as cordoned_at, d.drains, d.ends, n.cores, n.memory_mib, n.disk_mib, n.labels, n.queues
        from node n
       cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c
        left join cordon d on d.name = n.name
        left join (
          select boot, sum((select sum(upper(r) - lower(r)) from unnest(ids) r))::bigint as running
            from lease
           group by boot) l on l.boot = n.boot
       where n.fenced_at is null or n.fenced_at > c.now - interval '1 h'
       order by n.name, n.started_at
       limit 500
      """;

  private static final String HELD =
      """
      select i.task, n.type, l.claimed_at, r.fraction
        from node o
        join lease l on l.boot = o.boot
        join lane n on n.id = l.lane
       cross join lateral (
         select generate_series(lower(g.ids), upper(g.ids) - 1) as task
           from unnest(l.ids) g (ids)) i
        left join lateral (
          select r.fraction
            from running r
           where r.task = i.task and r.lease = l.id and r.fraction >= 0
          offset 0) r on true
       where o.name = ? and o.fenced_at is null
       order by i.task
       limit ?
      """;

  private static final String SERVED_TYPES =
      """
      select distinct unnest(types) as type
        from node
       where fenced_at is null and lease_until >= coalesce(?::timestamptz, clock_timestamp())
       order by 1
      """;

  private final Db db;
  private final StoreClock clock;

  PgNodeViews(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
  }

  @Override
  public List<NodeRow> nodes() {
    return db.query(NODES, PgNodeViews::node, clock.bound());
  }

  private static NodeRow node(ResultSet r) throws SQLException {
    double load = r.getDouble("load");
    boolean measured = !r.wasNull();
    return new NodeRow(
        r.getObject("boot", UUID.class),
        r.getString("name"),
        r.getString("host"),
        r.getLong("pid"),
        r.getString("version"),
        r.getInt("slots"),
        traits(r),
        r.getBoolean("alive"),
        r.getString("fenced_why"),
        r.getLong("running"),
        r.getInt("active"),
        measured
            ? Optional.of(
                new MachineUse(r.getDouble("cpu"), r.getDouble("memory"), r.getDouble("disk")))
            : Optional.empty(),
        measured ? Optional.of(load) : Optional.empty(),
        Sql.maybeText(r, "cordoned_by").isEmpty() ? Optional.empty() : Optional.of(cordoned(r)),
        r.getLong("refused"),
        Sql.instant(r, "started_at"),
        Sql.instant(r, "beat_at"));
  }

  private static Cordoned cordoned(ResultSet r) throws SQLException {
    return new Cordoned(
        r.getString("cordoned_by"),
        Sql.instant(r, "cordoned_at"),
        r.getBoolean("drains"),
        r.getBoolean("ends"));
  }

  static NodeTraits traits(ResultSet r) throws SQLException {
    return new NodeTraits(
        new Capacity(r.getInt("cores"), r.getLong("memory_mib"), r.getLong("disk_mib")),
        texts(r, "labels"),
        texts(r, "queues"));
  }

  private static SortedSet<String> texts(ResultSet r, String column) throws SQLException {
    return new TreeSet<>(List.of((String[]) r.getArray(column).getArray()));
  }

  @Override
  public List<HeldTask> held(String name) {
    return db.query(
        HELD,
        r -> {
          double fraction = r.getDouble("fraction");
          boolean told = !r.wasNull();
          return new HeldTask(
              r.getLong("task"),
              r.getString("type"),
              Sql.instant(r, "claimed_at"),
              told ? Optional.of(fraction) : Optional.empty());
        },
        name,
        HELD_MAX);
  }

  @Override
  public List<String> servedTypes() {
    return db.query(SERVED_TYPES, r -> r.getString("type"), clock.bound());
  }
}
