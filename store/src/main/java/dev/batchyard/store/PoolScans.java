package dev.batchyard.store;

import dev.batchyard.engine.port.Check;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the doctor reads about pools. More in use than there is may be so only after a capacity was
 * lowered; what was claimed since then must fit.
 */
final class PoolScans {

  private static final String POOLS =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now),
      named as materialized (
        select l.id as lane, a.name, a.units
          from lane l cross join unnest(l.pools, l.units) a (name, units)),
      waiting as materialized (
        select n.name, n.units, b.task
          from named n
         cross join lateral (
           select b.lo as task from block b where b.lane = n.lane order by b.due_at, b.bid limit 1) b),
      claimed as materialized (
        select n.name, sum(n.units * i.ids)::bigint as units
          from lease e
          join named n on n.lane = e.lane
          join pool p on p.name = pool_named(n.name) and e.claimed_at > p.set_at
         cross join lateral (
           select sum(upper(r.ids) - lower(r.ids)) as ids from unnest(e.ids) r (ids)) i
         group by n.name)
      select 'pool ' || f.name as subject, f.name as key, f.detail
        from (
          select c.name, format('%s units are in use of tasks claimed since its capacity was set to %s',
                                c.units, p.capacity) as detail
            from claimed c join pool p on p.name = pool_named(c.name)
           where p.kind = 'slots' and c.units > p.capacity
          union all
          select p.name, format('%s units were spent and its capacity is %s',
                                pool_used(p, p.name, c.now), p.capacity)
            from pool p cross join clock c
           where p.kind <> 'slots' and pool_used(p, p.name, c.now) > p.capacity
             and p.set_at < case p.kind when 'rate' then c.now - 2 * p.period else pool_bin(p, c.now) end
          union all
          select w.name, format('task %s waits for it, and there is none of this name', min(w.task))
            from waiting w
           where not exists (select from pool p where p.name = pool_named(w.name))
           group by w.name
          union all
          select w.name, format('task %s uses %s units of it, and its capacity is %s',
                                min(w.task), max(w.units), p.capacity)
            from waiting w join pool p on p.name = pool_named(w.name)
           where w.units > p.capacity and p.capacity > 0
           group by w.name, p.capacity) f
       order by f.name
      """;

  private final StoreClock clock;

  PoolScans(StoreClock clock) {
    this.clock = clock;
  }

  Map<Check, Scan> all() {
    return Map.of(
        Check.POOLS,
        new Scan(
            Scan.glance(POOLS, () -> new @Nullable Object[] {clock.bound()}), false, _ -> false));
  }
}
