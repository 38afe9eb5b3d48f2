package dev.batchyard.store;

import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.store.ClaimRows.Found;
import dev.batchyard.store.ClaimRows.Head;
import dev.batchyard.store.ClaimRows.Room;
import dev.batchyard.store.ClaimRows.Rows;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One statement finds the lane whose head comes first and takes from it. Only the primary key of
 * {@code block} gives the order (due, block): with a second index that could, the planner changes
 * over once statistics change (measured: four times slower).
 *
 * <p>The statement is planned once for all values, perhaps while a table is empty, and must not
 * read all of it when it has grown. So no table that grows is joined: it is read below {@code
 * offset 0}, which the planner does not look through, or by a key that a subquery gives.
 *
 * <p>Lanes with pools stand in the same order, but the statement takes nothing of them: where one
 * comes first, a transaction of its own locks its pools, counts what they have left, and runs the
 * statement for this lane alone. Lanes of pools that were full a moment ago are passed over without
 * a look at what waits there. Tasks without pools pay for none of it.
 */
final class PgClaims implements Claims {

  private static final Logger LOG = LoggerFactory.getLogger(PgClaims.class);

  /** Lanes that are tried in one call when others hold every block of the first ones. */
  private static final int LANES_MAX = 8;

  // A block that others hold is passed over, and so may the whole lane be: the caller asks for the
  // next one then. As many blocks are locked as would do if all were as long as the head: what is
  // locked in vain is written in vain; a mixed lane gives less than asked for.
  private static final String TAKEN =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as at),
      mine as materialized (
        select n.queues, n.meets
          from node n
         where n.boot = ? and n.fenced_at is null
           and not exists (select from cordon c where c.name = n.name)),
      head as materialized (
        select l.id as lane, l.type, h.whole, w.n as wanted, m.due_at as mark,
               l.pools <> '{}' as pooled,
               case when l.pools <> '{}' and p.room is null then 0
                    when h.whole then least(w.n, 1)
                    else least(w.n, (w.n - 1) / h.size + 2) end as blocks,
               least(case when h.whole then ? else w.n end, p.room) as ids
          from unnest(?::text[], ?::integer[]) w (type, n)
         cross join (select ?::text[] as full_pools, ?::integer[] as full_lanes, ?::integer as lane,
                            ?::integer as room) p
          join lane l on l.type = w.type and l.id = coalesce(p.lane, l.id)
          join queue q on q.name = l.queue
          left join unnest(?::integer[], ?::text[]::timestamptz[]) m (lane, due_at) on m.lane = l.id
         cross join lateral (
           select b.due_at, b.whole, b.hi - b.lo + 1 as size
             from block b
            where b.lane = l.id
              and b.due_at >= coalesce(m.due_at, '-infinity')
              and b.due_at <= (select at from clock)
              and (? or not b.whole or (b.lo < b.hi and coalesce(p.room, 2) > 1))
            order by b.due_at, b.bid
            limit 1) h
         where q.paused_at is null
           and l.requirement = any (coalesce(?::integer[], (select meets from mine)::integer[]))
           and ((select queues from mine) = '{}' or l.queue = any ((select queues from mine)::text[]))
           and not l.pools && p.full_pools and l.id <> all (p.full_lanes)
         order by h.due_at + l.priority * q.age_step, l.id
        offset ?
         limit 1),
      picked as materialized (
        select b.lane, b.due_at, b.bid, b.lo, b.hi, b.whole,
               b.attempt, b.failures, b.crashes, b.generation
          from block b
         where b.lane = (select lane from head)
           and b.due_at >= (select coalesce(mark, '-infinity') from head)
           and b.due_at <= (select at from clock)
           and b.whole = (select whole from head)
           and (? or not b.whole or (b.lo < b.hi and (select ids from head) > 1))
           and exists (select from mine)
         order by b.due_at, b.bid
         limit (select blocks from head)
           for update of b skip locked),
      summed as materialized (
        select *, (sum(hi - lo + 1) over (order by due_at, bid) - (hi - lo + 1))::bigint as before
          from picked),
      taken as materialized (
        select s.*, least(s.hi, s.lo + h.ids - s.before - 1) as last
          from summed s cross join head h
         where s.before < h.ids),
      """;

  // lane, due_at and bid never change, so that the delete and the split find the row that was
  // locked, even if another claim split it meanwhile. At most the last block is split. What was
  // leased must be what left the blocks: else the statement undoes itself.
  private static final String LEASED =
      """
      deleted as (
        delete from block b
         where b.lane = (select lane from head)
           and b.due_at >= (select min(due_at) from taken)
           and b.due_at <= (select max(due_at) from taken)
           and b.bid = any (array(select bid from taken where last = hi))
        returning 1),
      split as (
        update block b set lo = (select last + 1 from taken where last < hi)
         where b.lane = (select lane from head)
           and b.due_at = (select due_at from taken where last < hi)
           and b.bid = (select bid from taken where last < hi)
        returning 1),
      leased as (
        insert into lease (token, boot, lane, due_at, whole, attempt, failures, crashes, generation,
                           ids, claimed_at)
        select ?, ?, lane, min(due_at), whole, attempt + 1, failures, crashes, generation,
               range_agg(int8range(lo, last, '[]')), (select at from clock)
          from taken
         group by lane, whole, attempt, failures, crashes, generation
        returning *),
      checked as materialized (
        select case
                 when (select count(*) from taken)
                    = (select count(*) from deleted) + (select count(*) from split) then 'fine'
                 else fail('BY002', 'claim: leased blocks are not those that were taken away')
               end as fine,
               (select sum(last - lo + 1) from taken) as size,
               (select max(due_at) from taken) as due_at)
      """;

  // one row without a task if there is a head, but nothing of its lane was to be had. start_by of a
  // then task may still be the one from its opening, until a sweep has seen that it was released.
  static final String CLAIM =
      TAKEN
          + LEASED
          + """
          select h.lane, h.type, h.whole, h.wanted, h.ids, h.pooled, c.fine, c.size, c.due_at,
                 t.id, t.flags, t.params, l.id as lease, l.attempt, l.failures, l.crashes,
                 l.generation, t.retry as policy, p.retries, p.backoff,
                 (extract(epoch from p.first_delay) * 1000)::bigint as first_delay_ms,
                 (extract(epoch from p.max_delay) * 1000)::bigint as max_delay_ms,
                 (t.limits ->> 'attemptMs')::bigint as attempt_ms, x.start_ms, x.end_ms, x.by_deadline,
                 coalesce(d.read, 0) as begun,
                 case when d.read is null then 0 else coalesce(d.fraction, -1) end as begun_fraction
            from head h
           cross join checked c
            left join (taken k
            join leased l on (l.attempt, l.failures, l.crashes, l.generation)
                           = (k.attempt + 1, k.failures, k.crashes, k.generation)) on true
            left join lateral (
              select t.id, t.flags, t.params, t.retry, t.limits
                from task t
               where t.id between k.lo and k.last
              offset 0) t on true
            left join retry_policy p on p.name = t.retry
            left join lateral (
              select case when l.attempt = 1
                          then (extract(epoch from greatest(e.start_by, k.due_at + e.queue_timeout)
                                                   - o.at) * 1000)::bigint end as start_ms,
                     (extract(epoch from e.end_by - o.at) * 1000)::bigint as end_ms, e.by_deadline
                from expiry e
               cross join clock o
               where t.limits is not null and e.task = t.id
              offset 0) x on true
            left join lateral (
          """
          + CheckpointSums.SUMS
          + """
                  s.task = t.id and l.attempt > 1) d on true
           order by t.id
          """;

  // What is held of a lease stays there; the rest of it is cut out into one of its own, which the
  // caller puts back.
  private static final String UNHELD =
      """
      with held as materialized (
        select coalesce(range_agg(int8range(h.task, h.task, '[]')), '{}') as ids
          from unnest(?::bigint[]) h (task)),
      lost as materialized (
        select l.*, l.ids * h.ids as kept, l.ids - h.ids as gone
          from lease l
         cross join held h
         where l.boot = ? and not h.ids @> l.ids
         order by l.id
           for update of l),
      cut as (
        insert into lease (token, boot, lane, due_at, whole, attempt, failures, crashes, generation,
                           ids, asked, claimed_at)
        select token, boot, lane, due_at, whole, attempt, failures, crashes, generation,
               gone, asked * gone, claimed_at
          from lost
         where not isempty(kept)
        returning id, ids),
      shrunk as (
        update lease l set (ids, asked) = (select k.kept, k.asked * k.kept from lost k where k.id = l.id)
         where l.id = any (array(select id from lost where not isempty(kept)))),
      moved as (
        update running r set lease = (select c.id from cut c where c.ids @> r.task)
         where r.task = any (array(
           select g.task
             from cut c
            cross join unnest(c.ids) s (ids)
            cross join generate_series(lower(s.ids), upper(s.ids) - 1) g (task))))
      select id from lost where isempty(kept)
       union all
      select id from cut
      """;

  // what the leases hold beside tasks goes; a lease that held nothing else goes with it
  static final String FORGET =
      """
      with held as materialized (
        select l.id, l.ids
          from lease l
         where l.id = any (?) and l.token = ?
         order by l.id
           for update),
      known as materialized (
        select h.id, h.ids * coalesce(k.ids, '{}') as ids, h.ids - coalesce(k.ids, '{}') as missing
          from held h
         cross join lateral (
           select range_agg(int8range(t.id, t.id, '[]')) as ids
             from unnest(h.ids) r (ids)
            cross join lateral (
              select t.id
                from task t
               where t.id between lower(r.ids) and upper(r.ids) - 1
              offset 0) t) k),
      deleted as (
        delete from lease where id = any (array(select id from known where isempty(ids)))),
      shrunk as (
        update lease l set ids = (select k.ids from known k where k.id = l.id)
         where l.id = any (array(select id from known where not isempty(ids)
                                                        and not isempty(missing))))
      select missing::text as missing from known where not isempty(missing)
      """;

  private static final String ROOM =
      """
      select * from pool_room(?, ?::timestamptz)
      """;

  private static final String SPEND =
      """
      select pool_spend(?, ?, ?::timestamptz)
      """;

  private record Asked(
      UUID boot,
      UUID token,
      Map<String, Integer> wantedByType,
      int free,
      int slots,
      boolean suspects,
      Set<Integer> requirements) {

    int wanted(String type) {
      return Math.min(BATCH_MAX, Math.min(free, Objects.requireNonNull(wantedByType.get(type))));
    }

    Optional<int[]> only() {
      return requirements.isEmpty()
          ? Optional.empty()
          : Optional.of(requirements.stream().mapToInt(Integer::intValue).toArray());
    }
  }

  /** What the statement is to take: of any lane without pools, or of one with room for so many. */
  private record Aim(Optional<Integer> lane, Optional<Integer> room) {
    static final Aim ANY = new Aim(Optional.empty(), Optional.empty());
  }

  private final Db db;
  private final StoreClock clock;
  private final LeaseReturns returns;
  private final WakeUps wakeUps;
  private final FullPools full;
  private final LowMarks marks;
  private final ReentrantLock claiming = new ReentrantLock();

  PgClaims(Db db, StoreClock clock, LeaseReturns returns, WakeUps wakeUps, FullPools full) {
    this.db = db;
    this.clock = clock;
    this.returns = returns;
    this.wakeUps = wakeUps;
    this.full = full;
    this.marks = new LowMarks(clock::nanos);
  }

  @Override
  public List<Claim> claim(
      UUID boot,
      UUID token,
      Map<String, Integer> wantedByType,
      int free,
      int slots,
      boolean suspects,
      Set<Integer> requirements) {
    if (free < 1 || wantedByType.isEmpty()) {
      return List.of();
    }
    Asked asked = new Asked(boot, token, wantedByType, free, slots, suspects, requirements);
    claiming.lock(); // one node, one claim at a time: the marks are its own
    try {
      return claim(asked);
    } finally {
      claiming.unlock();
    }
  }

  @Override
  public Optional<Duration> again() {
    return full.again();
  }

  @Override
  public int releaseUnheld(UUID boot, Set<Long> held) {
    long[] tasks = held.stream().mapToLong(Long::longValue).toArray();
    int released =
        db.transaction(c -> {
          List<Long> ids = Sql.query(c, UNHELD, r -> r.getLong("id"), tasks, boot);
          return returns.uncharged(c, ids);
        });
    if (released > 0) {
      wakeUps.wake();
    }
    return released;
  }

  /** Reads from the marks; from the beginning when these find nothing, and now and then. */
  private List<Claim> claim(Asked asked) {
    if (!marks.marks().isEmpty()) {
      Optional<List<Claim>> claims = fromLanes(asked);
      if (claims.isPresent() || !marks.mayReadAll()) {
        return claims.orElse(List.of());
      }
      marks.clear();
    }
    long startedNs = marks.now();
    Optional<List<Claim>> claims = fromLanes(asked);
    marks.readAll(startedNs, claims.isPresent());
    return claims.orElse(List.of());
  }

  /** {@return what the first lane with free blocks gave, empty if nothing waits} */
  private Optional<List<Claim>> fromLanes(Asked asked) {
    int place = 0;
    for (int looks = 0; looks < LANES_MAX; looks++) {
      Optional<Found> found = fromLane(asked, place);
      if (found.isEmpty()) {
        return looks == 0 ? Optional.empty() : Optional.of(List.of());
      }
      // a type of which none is wanted now keeps its turn
      if (!found.get().claims().isEmpty() || found.get().head().wanted() == 0) {
        return found.map(Found::claims);
      }
      place += found.get().lacking().isPresent() ? 0 : 1;
    }
    return Optional.of(List.of());
  }

  private Optional<Found> fromLane(Asked asked, int place) {
    Rows rows = new Rows(asked.token());
    List<Optional<Claim>> read = db.query(CLAIM, rows::read, values(asked, Aim.ANY, place));
    Optional<Found> found = rows.found(read);
    if (found.filter(each -> each.head().pooled() && each.head().wanted() > 0).isPresent()) {
      Head head = found.get().head();
      // without a free slot it keeps its turn: what waits here would hold its pools for nothing
      return Optional.of(asked.slots() < 1 ? Found.none(head.unwanted()) : fromPools(asked, head));
    }
    found.ifPresent(each -> taken(each, asked.token()));
    return found;
  }

  /** Takes from a lane what its pools have room for, under their locks. */
  private Found fromPools(Asked asked, Head head) {
    long before = full.forgotten();
    Found found =
        db.transaction(c -> {
          Room room = Sql.query(c, ROOM, ClaimRows::room, head.lane(), clock.bound()).getFirst();
          if (room.tasks() == 0) {
            return Found.passed(head, room);
          }
          Rows rows = new Rows(asked.token());
          Aim aim =
              new Aim(Optional.of(head.lane()), Optional.of(Math.min(room.tasks(), asked.slots())));
          List<Optional<Claim>> read = Sql.query(c, CLAIM, rows::read, values(asked, aim, 0));
          Found taken = rows.found(read).orElse(Found.none(head));
          if (room.spends() && taken.head().size() > 0) {
            Sql.run(c, SPEND, head.lane(), taken.head().size(), clock.bound());
          }
          return taken;
        });
    found
        .lacking()
        .ifPresent(room -> {
          if (room.tooMuch()) {
            full.full(head.lane(), before);
          } else {
            full.full(room.lacking(), room.again(), before);
          }
        });
    taken(found, asked.token());
    return found;
  }

  private @Nullable Object[] values(Asked asked, Aim aim, int place) {
    List<Integer> lanes = List.copyOf(marks.marks().keySet());
    List<String> types = List.copyOf(asked.wantedByType().keySet());
    boolean any = aim.lane().isEmpty();
    return new @Nullable Object[] {
      clock.bound(),
      asked.boot(),
      BATCH_MAX,
      types.toArray(String[]::new),
      types.stream().mapToInt(asked::wanted).toArray(),
      any ? full.pools() : new String[0],
      any ? full.lanes() : new int[0],
      aim.lane(),
      aim.room(),
      lanes.stream().mapToInt(Integer::intValue).toArray(),
      lanes.stream().map(lane -> String.valueOf(marks.of(lane))).toArray(String[]::new),
      asked.suspects(),
      asked.only(),
      place,
      asked.suspects(),
      asked.token(),
      asked.boot()
    };
  }

  private void taken(Found found, UUID token) {
    if (found.claims().size() < found.head().size()) {
      forget(found.leases(), token);
    }
    found.head().lastDue().ifPresent(due -> marks.taken(found.head().lane(), due));
  }

  /**
   * Takes ids without a row in {@code task} out of leases: nothing is known of them that could run,
   * and put back they would be claimed again and again, before all others.
   */
  private void forget(Set<Long> leases, UUID token) {
    long[] ids = leases.stream().mapToLong(Long::longValue).toArray();
    for (String missing : db.query(FORGET, r -> r.getString("missing"), ids, token)) {
      LOG.error("tasks {} waited, but their rows are missing; they are forgotten", missing);
    }
  }

  static Optional<Duration> span(ResultSet row, String column) throws SQLException {
    long ms = row.getLong(column);
    return row.wasNull() ? Optional.empty() : Optional.of(Duration.ofMillis(ms));
  }

  static Counters counters(ResultSet row) throws SQLException {
    return new Counters(
        row.getInt("attempt"),
        row.getInt("failures"),
        row.getInt("crashes"),
        row.getInt("generation"));
  }
}
