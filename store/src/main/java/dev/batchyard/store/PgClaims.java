package dev.batchyard.store;

import dev.batchyard.api.Progress;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.TimeLimits;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Finds the lane whose head comes first, then takes from it in one statement. Only the primary key
 * of {@code block} gives the order (due, block): with a second index that could, the planner
 * changes over once statistics change (measured: four times slower).
 */
final class PgClaims implements Claims {

  /** Lanes that are tried in one call when others hold every block of the first ones. */
  private static final int LANES_MAX = 8;

  static final String HEADS =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as at)
      select l.id, l.type, h.whole, h.size
        from lane l
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
       where l.type = any (?)
         and q.paused_at is null
       order by h.due_at + l.priority * q.age_step, l.id
       limit ?
      """;

  // lane, due_at and bid never change, so that the delete and the split find the row that was
  // locked,
  // even if another claim split it meanwhile. What was leased must be what left the blocks: else
  // the
  // statement undoes itself.
  static final String CLAIM =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as at),
      picked as materialized (
        select b.lane, b.due_at, b.bid, b.lo, b.hi, b.whole,
               b.attempt, b.failures, b.crashes, b.generation
          from block b
         where b.lane = ?
           and b.due_at >= coalesce(?::timestamptz, '-infinity')
           and b.due_at <= (select at from clock)
           and b.whole = ?
           and (? or not b.whole or b.lo < b.hi)
           and exists (select from node where boot = ? and fenced_at is null)
           and not exists (select from lane l join queue q on q.name = l.queue
                            where l.id = ? and q.paused_at is not null)
         order by b.due_at, b.bid
         limit ?
           for update of b skip locked),
      summed as materialized (
        select *, (sum(hi - lo + 1) over (order by due_at, bid) - (hi - lo + 1))::bigint as before
          from picked),
      taken as materialized (
        select *, least(hi, lo + ? - before - 1) as last from summed where before < ?),
      deleted as (
        delete from block b using taken t
         where b.lane = t.lane and b.due_at = t.due_at and b.bid = t.bid and t.last = t.hi
        returning 1),
      split as (
        update block b set lo = t.last + 1 from taken t
         where b.lane = t.lane and b.due_at = t.due_at and b.bid = t.bid and t.last < t.hi
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
      select c.fine, c.size, c.due_at, t.id, t.flags, t.params, l.id as lease, l.attempt, l.failures, l.crashes,
             l.generation, t.retry as policy, p.retries, p.backoff,
             (extract(epoch from p.first_delay) * 1000)::bigint as first_delay_ms,
             (extract(epoch from p.max_delay) * 1000)::bigint as max_delay_ms,
             (t.limits ->> 'attemptMs')::bigint as attempt_ms, x.start_ms, x.end_ms, x.by_deadline,
             coalesce(d.read, 0) as begun,
             case when d.read is null then 0 else coalesce(d.fraction, -1) end as begun_fraction
        from checked c
       cross join taken k
        join leased l on (l.attempt, l.failures, l.crashes, l.generation)
                       = (k.attempt + 1, k.failures, k.crashes, k.generation)
        join task t on t.id between k.lo and k.last
        left join retry_policy p on p.name = t.retry
        left join lateral (
          select case when l.attempt = 1
                      then (extract(epoch from e.start_by - o.at) * 1000)::bigint end as start_ms,
                 (extract(epoch from e.end_by - o.at) * 1000)::bigint as end_ms, e.by_deadline
            from expiry e
           cross join clock o
           where t.limits is not null and e.task = t.id) x on true
        left join lateral (
      """
          + CheckpointSums.SUMS
          + """
              s.task = t.id and l.attempt > 1) d on true
           order by t.id
          """;

  private static final String UNHELD =
      """
      select id from lease where boot = ? and id <> all (?) order by id for update
      """;

  private record Head(int lane, String type, boolean whole, long size) {}

  private final Db db;
  private final StoreClock clock;
  private final LeaseReturns returns;
  private final WakeUps wakeUps;
  private final LowMarks marks = new LowMarks(System::nanoTime);
  private final ReentrantLock claiming = new ReentrantLock();

  PgClaims(Db db, StoreClock clock, LeaseReturns returns, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.returns = returns;
    this.wakeUps = wakeUps;
  }

  @Override
  public List<Claim> claim(
      UUID boot, UUID token, Map<String, Integer> wantedByType, int free, boolean idle) {
    if (free < 1 || wantedByType.isEmpty()) {
      return List.of();
    }
    claiming.lock(); // one node, one claim at a time: the marks are its own
    try {
      for (Head head : heads(wantedByType.keySet(), idle)) {
        int wanted = Objects.requireNonNull(wantedByType.get(head.type()));
        if (wanted == 0) {
          return List.of();
        }
        List<Claim> claims = claim(boot, token, head, Math.min(free, wanted), idle);
        if (!claims.isEmpty()) {
          return claims;
        }
      }
      return List.of();
    } finally {
      claiming.unlock();
    }
  }

  @Override
  public int releaseUnheld(UUID boot, Set<Long> held) {
    long[] heldIds = held.stream().mapToLong(Long::longValue).toArray();
    int released =
        db.transaction(c -> {
          List<Long> ids = Sql.query(c, UNHELD, r -> r.getLong("id"), boot, heldIds);
          return ids.isEmpty() ? 0 : returns.uncharged(c, ids);
        });
    if (released > 0) {
      wakeUps.wake();
    }
    return released;
  }

  /** Reads from the marks; from the beginning when these find nothing, and now and then. */
  private List<Head> heads(Set<String> types, boolean idle) {
    if (!marks.marks().isEmpty()) {
      List<Head> heads = readHeads(types, idle);
      if (!heads.isEmpty() || !marks.mayReadAll()) {
        return heads;
      }
      marks.clear();
    }
    long startedNs = marks.now();
    List<Head> heads = readHeads(types, idle);
    marks.readAll(startedNs);
    return heads;
  }

  private List<Head> readHeads(Set<String> types, boolean idle) {
    List<Integer> lanes = List.copyOf(marks.marks().keySet());
    return db.query(
        HEADS,
        r ->
            new Head(r.getInt("id"), r.getString("type"), r.getBoolean("whole"), r.getLong("size")),
        clock.bound(),
        lanes.stream().mapToInt(Integer::intValue).toArray(),
        lanes.stream().map(lane -> String.valueOf(marks.of(lane))).toArray(String[]::new),
        idle,
        types.toArray(String[]::new),
        LANES_MAX);
  }

  private List<Claim> claim(UUID boot, UUID token, Head head, int most, boolean idle) {
    int wanted = Math.min(most, BATCH_MAX);
    // as many blocks as would do if all were as long as the head: what is locked in vain is written
    // in vain; a mixed lane gives less than asked for, and the caller comes again
    long blocks = head.whole() ? 1 : Math.min(wanted, (wanted - 1) / head.size() + 2);
    long ids = head.whole() ? BATCH_MAX : wanted;
    long[] size = {0};
    @Nullable Instant[] last = {null};
    List<Claim> claims =
        db.query(
            CLAIM,
            r -> {
              size[0] = r.getLong("size");
              if (last[0] == null) {
                last[0] = Sql.instant(r, "due_at");
              }
              return claim(r, head, token);
            },
            clock.bound(),
            head.lane(),
            Optional.ofNullable(marks.of(head.lane())),
            head.whole(),
            idle,
            boot,
            head.lane(),
            blocks,
            ids,
            ids,
            token,
            boot);
    if (claims.size() > ids || (!claims.isEmpty() && claims.size() != size[0])) {
      throw new IllegalStateException(
          "lane %d: %d tasks leased, %d returned, %d wanted"
              .formatted(head.lane(), size[0], claims.size(), ids));
    }
    if (last[0] != null) {
      marks.taken(head.lane(), last[0]);
    }
    return claims;
  }

  private static Claim claim(ResultSet row, Head head, UUID token) throws SQLException {
    return new Claim(
        row.getLong("id"),
        head.type(),
        row.getString("params"),
        counters(row),
        policy(row),
        row.getLong("lease"),
        token,
        head.whole() && row.getLong("size") == 1,
        new Progress(row.getLong("begun"), row.getDouble("begun_fraction")),
        row.getInt("flags"),
        limits(row));
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
        "linear".equals(backoff) ? RetryPolicy.Backoff.LINEAR : RetryPolicy.Backoff.EXPONENTIAL,
        Duration.ofMillis(row.getLong("first_delay_ms")),
        Duration.ofMillis(row.getLong("max_delay_ms")));
  }
}
