package dev.batchyard.store;

import dev.batchyard.engine.port.Demands;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/** Reads the heads of all lanes, and nodes; never the history. */
final class PgDemands implements Demands {

  private static final String LANES =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now),
      lanes as materialized (
        select l.queue, l.requirement, c.now, coalesce(b.due, 0) as due, b.oldest,
               coalesce(e.running, 0) as running,
               q.paused_at is not null
                 or exists (select from unnest(l.pools, l.units) a (name, units)
                              left join pool p on p.name = pool_named(a.name)
                             where p.name is null
                                or pool_capacity(p, c.now) - pool_used(p, a.name, c.now) < a.units) as stuck
          from lane l
          join queue q on q.name = l.queue
         cross join clock c
          left join lateral (
            select sum(hi - lo + 1)::bigint as due, min(due_at) as oldest
              from (select lo, hi, due_at from block
                     where lane = l.id and due_at <= c.now
                     order by due_at, bid
                     limit ?) b) b on true
          left join (
            select lane, sum((select sum(upper(r) - lower(r)) from unnest(ids) r))::bigint as running
              from lease
             group by lane) e on e.lane = l.id),
      nodes as materialized (
        select n.queues, n.meets, n.slots
          from node n cross join clock c
         where n.fenced_at is null and n.lease_until >= c.now
           and not exists (select from cordon d where d.name = n.name))
      """;

  private static final String FIGURES =
      """
      coalesce(sum(l.due) filter (where not l.stuck), 0)::bigint as waiting,
      coalesce(sum(l.due) filter (where l.stuck), 0)::bigint as held,
      coalesce(max(extract(epoch from l.now - l.oldest) * 1000) filter (where not l.stuck), 0)::bigint as oldest_ms,
      coalesce(sum(l.running), 0)::bigint as running
      """;

  private static final String LIST =
      LANES
          + """
          select g.*, r.text as requires, n.nodes, n.slots
            from (select l.queue, l.requirement,
          """
          + FIGURES
          + """
                    from lanes l
                   where l.due + l.running > 0
                   group by l.queue, l.requirement) g
            join requirement r on r.id = g.requirement
           cross join lateral (
             select count(*)::integer as nodes, coalesce(sum(n.slots), 0)::integer as slots
               from nodes n
              where (n.queues = '{}' or g.queue = any (n.queues)) and g.requirement = any (n.meets)) n
           order by g.waiting desc, g.queue, r.text
           limit ?
          """;

  private static final String ALL =
      LANES
          + """
          select g.*, '' as queue, '' as requires, n.nodes, n.slots
            from (select
          """
          + FIGURES
          + """
                    from lanes l) g
           cross join lateral (
             select count(*)::integer as nodes, coalesce(sum(n.slots), 0)::integer as slots
               from nodes n) n
          """;

  private final Db db;
  private final StoreClock clock;

  PgDemands(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
  }

  @Override
  public List<Demand> list() {
    return db.query(LIST, PgDemands::demand, clock.bound(), BLOCKS_MAX, GROUPS_MAX);
  }

  @Override
  public Demand all() {
    return db.query(ALL, PgDemands::demand, clock.bound(), BLOCKS_MAX).getFirst();
  }

  private static Demand demand(ResultSet r) throws SQLException {
    return new Demand(
        r.getString("queue"),
        r.getString("requires"),
        r.getLong("waiting"),
        r.getLong("held"),
        Duration.ofMillis(r.getLong("oldest_ms")),
        r.getLong("running"),
        r.getInt("nodes"),
        r.getInt("slots"));
  }
}
