package dev.batchyard.store;

import dev.batchyard.api.Progress;
import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.Arrivals;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.TimeLimits;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The statement of a submit and that of a claim in one: no block is written that the claim would
 * take away, and one commit waits for the disk instead of two.
 */
final class PgArrivals implements Arrivals {

  // The conditions are those of a claim. What waits in the lane is not looked at: a node asks for
  // this only when its last look at all that it may run has found nothing.
  static final String ARRIVE =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as at),
      taker as materialized (
        select 1
          from lane l
          join queue q on q.name = l.queue
          join node n on n.boot = ?
         where l.id = ? and l.pools = '{}' and q.paused_at is null and n.fenced_at is null
           and not exists (select from cordon c where c.name = n.name)
           and l.requirement = any (n.meets)
           and (n.queues = '{}' or l.queue = any (n.queues))),
      stored as (
        insert into task (id, submitted_at, lane, label, params, retry)
        select nextval('task_id'), c.at, ?, ?, ?::jsonb, ? from clock c
        returning id, lane, submitted_at, params, retry),
      waits as (
        insert into block (lane, due_at, first, lo, hi)
        select lane, submitted_at, id, id, id from stored where not exists (select from taker)),
      leased as (
        insert into lease (token, boot, lane, due_at, whole, attempt, failures, crashes, generation,
                           ids, claimed_at)
        select ?, ?, lane, submitted_at, false, 1, 0, 0, 1,
               int8multirange(int8range(id, id, '[]')), submitted_at
          from stored
         where exists (select from taker)
        returning id)
      select s.id, s.params, l.id as lease, s.retry as policy, p.retries, p.backoff,
             (extract(epoch from p.first_delay) * 1000)::bigint as first_delay_ms,
             (extract(epoch from p.max_delay) * 1000)::bigint as max_delay_ms
        from stored s
        left join leased l on true
        left join retry_policy p on p.name = s.retry
      """;

  private static final Counters FIRST = new Counters(1, 0, 0, 1);
  private static final Progress NOTHING = new Progress(0, 0);

  private final Db db;
  private final StoreClock clock;
  private final Lanes lanes;
  private final IdSpans spans;
  private final WakeUps wakeUps;

  PgArrivals(Db db, StoreClock clock, Lanes lanes, IdSpans spans, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.lanes = lanes;
    this.spans = spans;
    this.wakeUps = wakeUps;
  }

  @Override
  public Arrival submit(UUID boot, UUID token, TaskDraft draft) {
    lanes.check(List.of(draft));
    int lane = lanes.number(draft);
    Arrival arrival =
        spans.withRoom(() ->
            db.query(
                    ARRIVE,
                    row -> arrival(row, draft.type(), token),
                    clock.bound(),
                    boot,
                    lane,
                    lane,
                    draft.label(),
                    draft.paramsJson(),
                    draft.retry(),
                    token,
                    boot)
                .getFirst());
    CrashPoint.SUBMITTED.pass();
    if (arrival.claim().isEmpty()) {
      wakeUps.wake();
    }
    spans.took(arrival.task());
    return arrival;
  }

  private static Arrival arrival(ResultSet row, String type, UUID token) throws SQLException {
    long task = row.getLong("id");
    long lease = row.getLong("lease");
    if (row.wasNull()) {
      return new Arrival(task, Optional.empty());
    }
    return new Arrival(
        task,
        Optional.of(
            new Claim(
                task,
                type,
                row.getString("params"),
                FIRST,
                ClaimRows.policy(row),
                lease,
                token,
                false,
                NOTHING,
                0,
                TimeLimits.NONE)));
  }
}
