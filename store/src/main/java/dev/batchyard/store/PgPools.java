package dev.batchyard.store;

import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.Pools;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;

/**
 * Who changes a pool waits for the claims of it that are under way; the next ones see the change.
 */
final class PgPools implements Pools {

  private static final String ALL =
      """
      select p.name, p.kind, p.capacity, (extract(epoch from p.period) * 1000)::bigint as period_ms,
             p.per_key, p.type, pool_capacity(p, c.now) as now, w.waiting, w.later,
             case p.kind when 'slots' then u.used else pool_used(p, p.name, c.now) end as used,
             case when p.grows_at > c.now then p.grows_at
                  when p.kind = 'budget' then pool_bin(p, c.now) + p.period end as again,
             p.set_by, p.set_at
        from pool p
       cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c
       cross join lateral (
         select coalesce(sum(b.n) filter (where b.due_at <= c.now), 0)::bigint as waiting,
                coalesce(sum(b.n) filter (where b.due_at > c.now), 0)::bigint as later
           from lane l
          cross join lateral (
            select b.due_at, b.hi - b.lo + 1 as n from block b where b.lane = l.id offset 0) b
          where exists (select from unnest(l.pools) a (name) where pool_named(a.name) = p.name)) w
       cross join lateral (
         select coalesce(sum(a.units * i.ids), 0)::bigint as used
           from lease e
           join lane l on l.id = e.lane
          cross join unnest(l.pools, l.units) a (name, units)
          cross join lateral (
            select sum(upper(r.ids) - lower(r.ids)) as ids from unnest(e.ids) r (ids)) i
          where pool_named(a.name) = p.name) u
      """;

  private static final String LIST = ALL + " order by p.name";

  private static final String FIND = ALL + " where p.name = ?";

  private static final String HOLDERS =
      """
      select g.task, m.type, t.label, a.units, coalesce(n.name, '?') as node, l.claimed_at
        from (select ?::text as name) p
       cross join lease l
        join lane m on m.id = l.lane
       cross join unnest(m.pools, m.units) a (name, units)
        left join node n on n.boot = l.boot
       cross join unnest(l.ids) r (ids)
       cross join generate_series(lower(r.ids), upper(r.ids) - 1) g (task)
       cross join lateral (select label from task where id = g.task offset 0) t
       where pool_named(a.name) = p.name
       order by l.claimed_at, g.task
       limit ?
      """;

  private static final String ONE_AT_A_TIME =
      """
      lock table pool in share row exclusive mode
      """;

  private static final String CREATE =
      """
      insert into pool (name, kind, capacity, period, per_key, type, since, set_by, set_at)
      select ?, ?, ?, ?::bigint * interval '1 ms', ?, ?::text, c.now, ?, c.now
        from (select coalesce(?::timestamptz, clock_timestamp()) as now) c
       where (select count(*) from pool) < ?
      """;

  private static final String COUNT_TYPE =
      """
      select count_type(p, ?) from pool p where name = ? and type is not null
      """;

  // lanes outlive pools: a name that lanes have cannot become one that is added to all of a type
  private static final String WAS_NAMED =
      """
      select exists (select from lane l cross join unnest(l.pools) a (name)
                      where pool_named(a.name) = ?)
      """;

  // one that was slowed down is as it is set from now on
  private static final String EDIT =
      """
      update pool p
         set capacity = s.capacity, period = s.period, shrunk_to = null, grows_at = null,
             since = case when s.period is distinct from p.period then s.now else p.since end,
             set_by = s.by, set_at = s.now
        from (select ?::bigint as capacity, ?::bigint * interval '1 ms' as period,
                     coalesce(?::timestamptz, clock_timestamp()) as now, ?::text as by) s
       where p.name = ?
      """;

  private static final String REFILL =
      """
      update pool set since = s.now, set_by = s.by, set_at = s.now
        from (select coalesce(?::timestamptz, clock_timestamp()) as now, ?::text as by) s
       where name = ?
      """;

  private static final String FORGET_SPENT =
      """
      delete from pool_spent where pool = ?
      """;

  // submits hold it for key share: none of them is under way when this is ours
  private static final String LOCK =
      """
      select 1 from pool where name = ? for update
      """;

  // walks the lanes of the pool and what is held and parked: it is asked for once in months
  private static final String USERS =
      """
      with named as materialized (
        select l.id
          from (select ?::text as name) p
         cross join lane l
         where exists (select from unnest(l.pools) a (name) where pool_named(a.name) = p.name))
      select min(id) as first
        from (select b.lo as id
                from named m
               cross join lateral (
                 select lo from block where lane = m.id order by due_at, bid limit 1) b
               union all
              select lower(r.ids)
                from lease l cross join unnest(l.ids) r (ids)
               where l.lane in (select id from named)
               union all
              select id from parked where lane in (select id from named)) u
      """;

  private static final String DELETE =
      """
      delete from pool where name = ?
      """;

  private final Db db;
  private final StoreClock clock;
  private final Lanes lanes;
  private final FullPools full;
  private final WakeUps wakeUps;

  PgPools(Db db, StoreClock clock, Lanes lanes, FullPools full, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.lanes = lanes;
    this.full = full;
    this.wakeUps = wakeUps;
  }

  @Override
  public List<PoolRow> list() {
    return db.query(LIST, PgPools::row, clock.bound());
  }

  @Override
  public Optional<PoolRow> find(String name) {
    return db.query(FIND, PgPools::row, clock.bound(), name).stream().findFirst();
  }

  @Override
  public List<Holder> holders(String name) {
    return db.query(
        HOLDERS,
        r ->
            new Holder(
                r.getLong("task"),
                r.getString("type"),
                r.getString("label"),
                r.getInt("units"),
                r.getString("node"),
                Sql.instant(r, "claimed_at")),
        name,
        HOLDERS_MAX);
  }

  @Override
  public Change create(Pool pool, String by) {
    Change change =
        db.transaction(c -> {
          Sql.run(c, ONE_AT_A_TIME);
          if (found(c, pool.name()).isPresent()) {
            return Change.ALREADY;
          }
          if (pool.type().isPresent()
              && Sql.query(c, WAS_NAMED, r -> r.getBoolean(1), pool.name()).getFirst()) {
            throw new IllegalArgumentException(
                "pool '%s': tasks have named a pool of this name; choose another one for all of type %s"
                    .formatted(pool.name(), pool.type().get()));
          }
          int made =
              Sql.update(
                  c,
                  CREATE,
                  pool.name(),
                  pool.kind().word(),
                  pool.capacity(),
                  pool.period().map(Duration::toMillis),
                  pool.perKey(),
                  pool.type(),
                  by,
                  clock.bound(),
                  POOLS_MAX);
          if (made == 0) {
            throw new IllegalArgumentException(
                "pool '%s': there are %d already, which is the most; delete one"
                    .formatted(pool.name(), POOLS_MAX));
          }
          Sql.run(c, COUNT_TYPE, true, pool.name());
          return Change.DONE;
        });
    lanes.forget();
    return changed(change);
  }

  @Override
  public Change edit(String name, UnaryOperator<Pool> edit, String by) {
    Change change =
        db.transaction(c -> {
          Sql.run(c, ONE_AT_A_TIME);
          boolean there = Sql.first(c, LOCK, r -> true, name).isPresent();
          Optional<PoolRow> before = there ? found(c, name) : Optional.empty();
          if (before.isEmpty()) {
            return Change.NOT_FOUND;
          }
          Pool was = before.get().pool();
          Pool pool = edit.apply(was);
          if (!pool.name().equals(name)
              || pool.kind() != was.kind()
              || pool.perKey() != was.perKey()
              || !pool.type().equals(was.type())) {
            throw new IllegalArgumentException(
                "pool '%s' is %s and cannot become %s; make another pool"
                    .formatted(name, words(was), words(pool)));
          }
          if (pool.equals(was) && before.get().now() == was.capacity()) {
            return Change.ALREADY;
          }
          Sql.run(
              c,
              EDIT,
              pool.capacity(),
              pool.period().map(Duration::toMillis),
              clock.bound(),
              by,
              name);
          if (!pool.period().equals(was.period())) {
            Sql.run(c, FORGET_SPENT, name);
          }
          return Change.DONE;
        });
    return changed(change);
  }

  @Override
  public Change refill(String name, String by) {
    Change change =
        db.transaction(c -> {
          Sql.run(c, ONE_AT_A_TIME);
          boolean there = Sql.first(c, LOCK, r -> true, name).isPresent();
          Optional<PoolRow> before = there ? found(c, name) : Optional.empty();
          if (before.isEmpty()) {
            return Change.NOT_FOUND;
          }
          if (before.get().pool().kind() != Kind.BUDGET) {
            throw new IllegalArgumentException(
                "pool '%s' is %s; only a budget is refilled"
                    .formatted(name, before.get().pool().kind().word()));
          }
          if (before.get().used() == 0) {
            return Change.ALREADY;
          }
          Sql.run(c, FORGET_SPENT, name);
          Sql.run(c, REFILL, clock.bound(), by, name);
          return Change.DONE;
        });
    return changed(change);
  }

  @Override
  public Change delete(String name) {
    Change deleted =
        db.transaction(c -> {
          Sql.run(c, ONE_AT_A_TIME);
          if (Sql.first(c, LOCK, r -> true, name).isEmpty()) {
            return Change.NOT_FOUND;
          }
          if (found(c, name).filter(row -> row.pool().type().isPresent()).isPresent()) {
            Sql.run(c, COUNT_TYPE, false, name);
          } else {
            refuseUsed(c, name);
          }
          Sql.run(c, DELETE, name);
          return Change.DONE;
        });
    lanes.forget();
    return changed(deleted);
  }

  private static void refuseUsed(Connection connection, String name) throws SQLException {
    OptionalLong user =
        Sql.query(connection, USERS, r -> Sql.maybeLong(r, "first"), name).getFirst();
    if (user.isPresent()) {
      throw new MoveRefused(
          "pool '%s': tasks that have not ended use it, such as task %d; it can be deleted when they have"
              .formatted(name, user.getAsLong()));
    }
  }

  private static String words(Pool pool) {
    return pool.kind().word()
        + (pool.perKey() ? " per key" : "")
        + pool.type().map(type -> " of type " + type).orElse("");
  }

  private Optional<PoolRow> found(Connection connection, String name) throws SQLException {
    return Sql.first(connection, FIND, PgPools::row, clock.bound(), name);
  }

  /** There may be room now. */
  private Change changed(Change change) {
    if (change == Change.DONE) {
      full.forget();
      wakeUps.wake();
    }
    return change;
  }

  private static PoolRow row(ResultSet row) throws SQLException {
    Kind kind = Kind.valueOf(row.getString("kind").toUpperCase(Locale.ROOT));
    return new PoolRow(
        new Pool(
            row.getString("name"),
            kind,
            row.getLong("capacity"),
            PgClaims.span(row, "period_ms"),
            row.getBoolean("per_key"),
            Sql.maybeText(row, "type")),
        row.getLong("now"),
        row.getLong("used"),
        row.getLong("waiting"),
        row.getLong("later"),
        Sql.maybeInstant(row, "again"),
        row.getString("set_by"),
        Sql.instant(row, "set_at"));
  }
}
