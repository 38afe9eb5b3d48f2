package dev.batchyard.store;

import dev.batchyard.engine.port.Pools.Kind;
import dev.batchyard.engine.port.WaitReasons;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.engine.task.Wait.Ahead;
import dev.batchyard.engine.task.Wait.Names;
import dev.batchyard.store.WaitHomes.Home;
import dev.batchyard.store.WaitHomes.Place;
import dev.batchyard.store.WaitNodes.Node;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What a due task shares with others: its pools, and its line. */
final class WaitLines {

  // of a rate, room comes when so much of what was spent is a period old
  static final String LACKING =
      """
      select a.name, a.units, u.has, u.used, p.kind, p.per_key, p.type, coalesce(p.capacity, 0) as capacity,
             (extract(epoch from p.period) * 1000)::bigint as period_ms,
             case when p.grows_at > w.now then p.grows_at end as grows_at,
             case p.kind
               when 'budget' then pool_bin(p, w.now) + p.period
               when 'rate' then (
                 select min(s.at) + p.period + p.period / 50
                   from (select s.at, sum(s.units) over (order by s.at) as gone
                           from pool_spent s
                          where s.pool = p.name and s.at > w.now - p.period - p.period / 50) s
                  where u.has - u.used + s.gone >= a.units) end as again
        from (select ?::integer as lane, ?::timestamptz as now) w
        join lane l on l.id = w.lane
       cross join unnest(l.pools, l.units) a (name, units)
        left join pool p on p.name = pool_named(a.name)
       cross join lateral (
         select coalesce(pool_capacity(p, w.now), 0) as has,
                coalesce(pool_used(p, a.name, w.now), 0) as used
         offset 0) u
       where u.has - u.used < a.units
       order by a.name collate "C"
      """;

  static final String HOLDERS =
      """
      select h.task, h.total,
             case when n.fenced_at is null and n.lease_until >= w.now
                       and r.at >= w.now - (n.lease_until - n.beat_at) / 2
                  then r.at + r.remaining_ms * interval '1 ms' end as ends
        from (select ?::text as pool, ?::text[]::uuid[] as boots, ?::bigint as task, ?::timestamptz as now) w
       cross join lateral (
         select g.task, e.id as lease, e.boot, e.claimed_at, count(*) over () as total
           from lease e
          cross join unnest(e.ids) i (ids)
          cross join generate_series(lower(i.ids), upper(i.ids) - 1) g (task)
          where (e.boot = any (w.boots)
                 or w.pool is not null
                    and e.lane in (select l.id from lane l where w.pool = any (l.pools)))
            and g.task <> w.task
          order by e.claimed_at, g.task
          limit ?) h
        left join node n on n.boot = h.boot
        left join lateral (
          select r.at, r.remaining_ms
            from running r
           where r.task = h.task and r.lease = h.lease
          offset 0) r on true
       order by h.claimed_at, h.task
      """;

  // Which of two lanes comes first, their heads decide: due + priority × age step. The pools of the
  // others are looked at too, since what waits behind full ones is passed over.
  static final String AHEAD =
      """
      with w as materialized (
        select ?::integer as lane, ?::timestamptz as due, ?::bigint as bid, ?::timestamptz as rank,
               ?::timestamptz as now, ?::text as pool),
      lanes as materialized (
        select l.id, l.pools, least(w.rank - l.priority * q.age_step, w.now) as until
          from w
         cross join lane l
          join queue q on q.name = l.queue
         where l.id <> w.lane and q.paused_at is null
           and case when w.pool is null
                    then l.type = any (?::text[]) and (?::text[] = '{}' or l.queue = any (?::text[]))
                         and l.requirement = any (?::integer[])
                    else w.pool = any (l.pools) end
           and exists (select from block b
                        where b.lane = l.id and b.due_at <= least(w.rank - l.priority * q.age_step, w.now)
                       offset 0)
         limit ?),
      used as materialized (
        select distinct a.name from lanes cross join unnest(pools) a (name) limit ?),
      passed as materialized (
        select coalesce(array_agg(u.name), '{}') as names
          from w
         cross join used u
          left join pool p on p.name = pool_named(u.name)
         where w.pool is null
           and coalesce(pool_capacity(p, w.now) - pool_used(p, u.name, w.now), 0) <= 0),
      counted as (
        select b.n
          from lanes l
         cross join lateral (
           select b.hi - b.lo + 1 as n
             from block b
            where b.lane = l.id and b.due_at <= l.until
            order by b.due_at, b.bid
            limit ?) b
         where not l.pools && (select names from passed)
        union all
        select b.hi - b.lo + 1
          from w
         cross join lateral (
           select b.hi, b.lo
             from block b
            where b.lane = w.lane and (b.due_at, b.bid) < (w.due, w.bid)
            order by b.due_at, b.bid
            limit ?) b)
      select coalesce(sum(n), 0)::bigint as tasks, count(*) as blocks,
             (select count(*) from lanes) as lanes
        from (select n from counted limit ?) c
      """;

  /** Of a pool that has too little left. */
  private record Lack(
      String name,
      int needs,
      long has,
      long used,
      Optional<Kind> kind,
      boolean perKey,
      Optional<String> type,
      long capacity,
      Optional<Duration> period,
      Optional<Instant> growsAt,
      Optional<Instant> again) {

    String pool() {
      return PoolLines.pool(name);
    }
  }

  /** What holds places; the ends of those that tell. */
  private record Held(Names<Long> tasks, long total, List<Instant> ends) {}

  private record Holder(long task, long total, Optional<Instant> end) {}

  private final Connection connection;
  private final Home home;
  private final Place place;

  WaitLines(Connection connection, Home home) {
    this.connection = connection;
    this.home = home;
    this.place = home.place().orElseThrow();
  }

  /** {@return the pools that have too little left for it} */
  List<Wait> pools() throws SQLException {
    List<Wait> waits = new ArrayList<>();
    for (Lack lack : Sql.query(connection, LACKING, WaitLines::lack, home.lane(), home.now())) {
      waits.add(wait(lack));
    }
    return waits;
  }

  private Wait wait(Lack lack) throws SQLException {
    if (lack.capacity() < lack.needs()) {
      return new Wait.PoolTooSmall(lack.pool(), lack.capacity(), lack.needs());
    } else if (lack.growsAt().isPresent()) {
      return new Wait.PoolSlowed(lack.pool(), lack.growsAt().get());
    }
    Ahead ahead = ahead(lack.name(), List.of());
    return switch (lack.kind().orElseThrow()) {
      case SLOTS -> slots(lack, ahead);
      case RATE ->
          new Wait.RateSpent(
              lack.pool(),
              lack.has(),
              lack.period().orElseThrow(),
              lack.used(),
              lack.needs(),
              ahead,
              lack.again());
      case BUDGET ->
          new Wait.BudgetSpent(
              lack.pool(),
              lack.has(),
              lack.period(),
              lack.used(),
              lack.needs(),
              ahead,
              lack.again());
    };
  }

  private Wait slots(Lack lack, Ahead ahead) throws SQLException {
    Held held = held(lack.name(), List.of());
    Optional<Instant> earliest = Wait.middle(held.ends(), held.total(), ahead);
    if (lack.type().isPresent()) {
      return new Wait.TypeFull(
          lack.pool(), lack.type().get(), lack.has(), lack.used(), held.tasks(), ahead, earliest);
    }
    return lack.perKey()
        ? new Wait.KeyFull(
            lack.pool(),
            PoolLines.ofKeys(lack.name()),
            lack.has(),
            lack.used(),
            lack.needs(),
            held.tasks(),
            ahead,
            earliest)
        : new Wait.PoolFull(
            lack.pool(), lack.has(), lack.used(), lack.needs(), held.tasks(), ahead, earliest);
  }

  /** {@return its turn among all that these nodes may run} */
  Wait line(List<Node> eligible) throws SQLException {
    Ahead ahead = ahead(null, eligible);
    long slots = eligible.stream().mapToLong(Node::slots).sum();
    long busy = eligible.stream().mapToLong(Node::held).sum();
    Held held = held(null, eligible.stream().map(Node::boot).toList());
    return new Wait.InLine(
        ahead,
        WaitNodes.names(eligible),
        slots,
        busy,
        held.tasks(),
        busy < slots ? Optional.empty() : Wait.middle(held.ends(), held.total(), ahead));
  }

  /** {@return a lease of the task, and what else its node holds} */
  static Wait claimed(Connection connection, Home home, WaitHomes.Held lease) throws SQLException {
    Held held = held(connection, home, null, List.of(lease.boot()));
    return new Wait.Claimed(lease.node(), lease.claimed(), lease.slots(), held.tasks());
  }

  private Held held(@Nullable String pool, List<UUID> boots) throws SQLException {
    return held(connection, home, pool, boots);
  }

  private static Held held(
      Connection connection, Home home, @Nullable String pool, List<UUID> boots)
      throws SQLException {
    List<Holder> holders =
        Sql.query(
            connection,
            HOLDERS,
            r -> new Holder(r.getLong("task"), r.getLong("total"), Sql.maybeInstant(r, "ends")),
            pool,
            boots.stream().map(UUID::toString).toArray(String[]::new),
            home.task(),
            home.now(),
            WaitReasons.HOLDERS_MAX);
    long total = holders.isEmpty() ? 0 : holders.getFirst().total();
    List<Long> named = holders.stream().map(Holder::task).limit(Wait.NAMED_MAX).toList();
    return new Held(
        new Names<>(named, total - named.size()),
        total,
        holders.stream().flatMap(holder -> holder.end().stream()).toList());
  }

  /**
   * {@return what comes before it, among those that use the same pool, or that these nodes may run}
   */
  private Ahead ahead(@Nullable String pool, List<Node> nodes) throws SQLException {
    String[] queues =
        nodes.stream().anyMatch(node -> node.traits().queues().isEmpty())
            ? new String[0]
            : nodes.stream()
                .flatMap(node -> node.traits().queues().stream())
                .distinct()
                .toArray(String[]::new);
    return Sql.query(
            connection,
            AHEAD,
            this::ahead,
            home.lane(),
            place.due(),
            place.bid(),
            place.due().plus(home.ageStep().multipliedBy(home.priority())),
            home.now(),
            pool,
            nodes.stream().flatMap(n -> n.types().stream()).distinct().toArray(String[]::new),
            queues,
            queues,
            nodes.stream().flatMap(n -> n.meets().stream()).distinct().mapToInt(i -> i).toArray(),
            WaitReasons.LANES_MAX,
            WaitReasons.POOLS_MAX,
            WaitReasons.BLOCKS_MAX,
            WaitReasons.BLOCKS_MAX,
            WaitReasons.BLOCKS_MAX)
        .getFirst();
  }

  private Ahead ahead(ResultSet r) throws SQLException {
    boolean cut =
        r.getLong("blocks") >= WaitReasons.BLOCKS_MAX
            || r.getLong("lanes") >= WaitReasons.LANES_MAX;
    return new Ahead(r.getLong("tasks") + place.before(), cut);
  }

  private static Lack lack(ResultSet r) throws SQLException {
    return new Lack(
        r.getString("name"),
        r.getInt("units"),
        r.getLong("has"),
        r.getLong("used"),
        Sql.maybeText(r, "kind").map(kind -> Kind.valueOf(kind.toUpperCase(Locale.ROOT))),
        r.getBoolean("per_key"),
        Sql.maybeText(r, "type"),
        r.getLong("capacity"),
        PgClaims.span(r, "period_ms"),
        Sql.maybeInstant(r, "grows_at"),
        Sql.maybeInstant(r, "again"));
  }
}
