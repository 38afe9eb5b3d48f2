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
             n.cores, n.memory_mib, n.disk_mib, n.labels, n.queues
        from node n
       cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c
        left join (
          select boot, sum((select sum(upper(r) - lower(r)) from unnest(ids) r))::bigint as running
            from lease
           group by boot) l on l.boot = n.boot
       where n.fenced_at is null or n.fenced_at > c.now - interval '1 h'
       order by n.name, n.started_at
       limit 500
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
        r.getLong("refused"),
        Sql.instant(r, "started_at"),
        Sql.instant(r, "beat_at"));
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
  public List<String> servedTypes() {
    return db.query(SERVED_TYPES, r -> r.getString("type"), clock.bound());
  }
}
