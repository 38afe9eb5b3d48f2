package dev.batchyard.store;

import dev.batchyard.api.Progress;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.Decisions;
import dev.batchyard.engine.task.TimeLimits;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
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
               case when h.whole then least(w.n, 1) else least(w.n, (w.n - 1) / h.size + 2) end as blocks,
               case when h.whole then ? else w.n end as ids
          from unnest(?::text[], ?::integer[]) w (type, n)
          join lane l on l.type = w.type
          join queue q on q.name = l.queue
          left join unnest(?::integer[], ?::text[]::timestamptz[]) m (lane, due_at) on m.lane = l.id
         cross join lateral (
           select b.due_at, b.whole, b.hi - b.lo + 1 as size
             from block b
            where b.lane = l.id
              and b.due_at >= coalesce(m.due_at, '-infinity')
              and b.due_at <= (select at from clock)
              and (? or not b.whole or b.lo < b.hi)
            order by b.due_at, b.bid
            limit 1) h
         where q.paused_at is null
           and l.requirement = any (coalesce(?::integer[], (select meets from mine)::integer[]))
           and ((select queues from mine) = '{}' or l.queue = any ((select queues from mine)::text[]))
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
           and (? or not b.whole or b.lo < b.hi)
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
          select h.lane, h.type, h.whole, h.wanted, h.ids, c.fine, c.size, c.due_at,
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

  private record Asked(
      UUID boot,
      UUID token,
      Map<String, Integer> wantedByType,
      int free,
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

  /**
   * A lane that has something due and what was taken of it.
   *
   * @param ids how many were to be taken at most
   * @param size how many were leased
   * @param lastDue the latest due time of these; empty if none was
   */
  private record Head(
      int lane,
      String type,
      boolean whole,
      long wanted,
      long ids,
      long size,
      Optional<Instant> lastDue) {}

  private record Found(Head head, List<Claim> claims) {}

  private final Db db;
  private final StoreClock clock;
  private final LeaseReturns returns;
  private final WakeUps wakeUps;
  private final LowMarks marks;
  private final ReentrantLock claiming = new ReentrantLock();

  PgClaims(Db db, StoreClock clock, LeaseReturns returns, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.returns = returns;
    this.wakeUps = wakeUps;
    this.marks = new LowMarks(clock::nanos);
  }

  @Override
  public List<Claim> claim(
      UUID boot,
      UUID token,
      Map<String, Integer> wantedByType,
      int free,
      boolean suspects,
      Set<Integer> requirements) {
    if (free < 1 || wantedByType.isEmpty()) {
      return List.of();
    }
    Asked asked = new Asked(boot, token, wantedByType, free, suspects, requirements);
    claiming.lock(); // one node, one claim at a time: the marks are its own
    try {
      return claim(asked);
    } finally {
      claiming.unlock();
    }
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
    for (int place = 0; place < LANES_MAX; place++) {
      Optional<Found> found = fromLane(asked, place);
      if (found.isEmpty()) {
        return place == 0 ? Optional.empty() : Optional.of(List.of());
      }
      // a type of which none is wanted now keeps its turn
      if (!found.get().claims().isEmpty() || found.get().head().wanted() == 0) {
        return found.map(Found::claims);
      }
    }
    return Optional.of(List.of());
  }

  private Optional<Found> fromLane(Asked asked, int place) {
    List<Integer> lanes = List.copyOf(marks.marks().keySet());
    List<String> types = List.copyOf(asked.wantedByType().keySet());
    AtomicReference<@Nullable Head> first = new AtomicReference<>();
    Set<Long> leases = new HashSet<>();
    List<Optional<Claim>> rows =
        db.query(
            CLAIM,
            row -> {
              if (row.isFirst()) {
                first.set(head(row));
              }
              leases.add(row.getLong("lease"));
              return claim(row, Objects.requireNonNull(first.get()), asked.token());
            },
            clock.bound(),
            asked.boot(),
            BATCH_MAX,
            types.toArray(String[]::new),
            types.stream().mapToInt(asked::wanted).toArray(),
            lanes.stream().mapToInt(Integer::intValue).toArray(),
            lanes.stream().map(lane -> String.valueOf(marks.of(lane))).toArray(String[]::new),
            asked.suspects(),
            asked.only(),
            place,
            asked.suspects(),
            asked.token(),
            asked.boot());
    if (rows.isEmpty()) {
      return Optional.empty();
    }
    Head head = Objects.requireNonNull(first.get());
    List<Claim> claims = rows.stream().flatMap(Optional::stream).toList();
    if (claims.size() > head.ids() || claims.size() > head.size()) {
      throw new IllegalStateException(
          "lane %d: %d tasks leased, %d returned, %d wanted"
              .formatted(head.lane(), head.size(), claims.size(), head.ids()));
    }
    if (claims.size() < head.size()) {
      forget(leases, asked.token());
    }
    head.lastDue().ifPresent(due -> marks.taken(head.lane(), due));
    return Optional.of(new Found(head, claims));
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

  private static Head head(ResultSet row) throws SQLException {
    return new Head(
        row.getInt("lane"),
        row.getString("type"),
        row.getBoolean("whole"),
        row.getLong("wanted"),
        row.getLong("ids"),
        row.getLong("size"),
        row.getObject("due_at") == null
            ? Optional.empty()
            : Optional.of(Sql.instant(row, "due_at")));
  }

  private static Optional<Claim> claim(ResultSet row, Head head, UUID token) throws SQLException {
    long task = row.getLong("id");
    if (row.wasNull()) {
      return Optional.empty();
    }
    Counters counters = counters(row);
    return Optional.of(
        new Claim(
            task,
            head.type(),
            row.getString("params"),
            counters,
            policy(row),
            row.getLong("lease"),
            token,
            head.whole() && head.size() == 1 && counters.crashes() >= Decisions.CRASHES_ALONE,
            new Progress(row.getLong("begun"), row.getDouble("begun_fraction")),
            row.getInt("flags"),
            limits(row)));
  }

  private static TimeLimits limits(ResultSet row) throws SQLException {
    Optional<Duration> attempt = span(row, "attempt_ms");
    Optional<Duration> start = span(row, "start_ms");
    Optional<Duration> end = span(row, "end_ms");
    return attempt.isEmpty() && start.isEmpty() && end.isEmpty()
        ? TimeLimits.NONE
        : new TimeLimits(start, attempt, end, row.getBoolean("by_deadline"));
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

  /** The policy of the row; the default one if somebody has taken it away. */
  private static RetryPolicy policy(ResultSet row) throws SQLException {
    @Nullable String backoff = row.getString("backoff");
    if (backoff == null) {
      return RetryPolicy.DEFAULT;
    }
    return new RetryPolicy(
        row.getString("policy"),
        row.getInt("retries"),
        PgRetryPolicies.backoff(backoff),
        Duration.ofMillis(row.getLong("first_delay_ms")),
        Duration.ofMillis(row.getLong("max_delay_ms")));
  }
}
