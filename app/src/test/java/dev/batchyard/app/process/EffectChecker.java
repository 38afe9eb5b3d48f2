package dev.batchyard.app.process;

import dev.batchyard.app.process.HistoryChecker.Invariant;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The invariants of {@link HistoryChecker} about what attempts leave behind, and about what is done
 * to nodes and spans.
 */
final class EffectChecker {

  static final String ITEMS_ARE_COMMITTED_ONCE = "items are committed once";
  static final String CHECKPOINTS_COVER_ITEMS = "checkpoints cover items";
  static final String SUBMITS_OF_HANDLERS_HOLD = "submits of handlers hold";
  static final String NODES_ARE_FENCED_FOR_A_REASON = "nodes are fenced for a reason";
  static final String SPANS_HAVE_THEIR_PARTITIONS = "spans have their partitions";

  static final String ATTEMPTS_ONE_AT_A_TIME =
      "two attempts of a task run at once only if a lease was lost";
  static final String RETRIES_WAIT = "retries come after their delay";

  private final Rows db;

  EffectChecker(Rows db) {
    this.db = db;
  }

  /** {@return all of them, by their names} */
  Map<String, Invariant> all() {
    Map<String, Invariant> all = new LinkedHashMap<>();
    all.put(ITEMS_ARE_COMMITTED_ONCE, this::itemsAreCommittedOnce);
    all.put(CHECKPOINTS_COVER_ITEMS, this::checkpointsCoverItems);
    all.put(SUBMITS_OF_HANDLERS_HOLD, this::submitsOfHandlersHold);
    all.put(NODES_ARE_FENCED_FOR_A_REASON, this::nodesAreFencedForAReason);
    all.put(SPANS_HAVE_THEIR_PARTITIONS, this::spansHaveTheirPartitions);
    all.put(ATTEMPTS_ONE_AT_A_TIME, this::attemptsOneAtATime);
    all.put(RETRIES_WAIT, this::retriesWait);
    return all;
  }

  private List<String> itemsAreCommittedOnce() throws SQLException {
    return db.some(
        """
        select task, item, count(*) from public.item group by task, item having count(*) > 1
        """);
  }

  /** What is committed is what the ledger says; of a completed task it is all. */
  private List<String> checkpointsCoverItems() throws SQLException {
    return db.some(
        """
        select o.id, o.state, i.items, c.written, c.position
          from batchyard.outcome o
          join batchyard.task t on t.id = o.id and t.params ->> 'deed' = 'chunks'
          left join (select task, count(*) as items from public.item group by task) i
               on i.task = o.id
          left join batchyard.checkpoint c on c.task = o.id
         where coalesce(i.items, 0) <> coalesce(c.written, 0)
            or (o.state = 'completed' and coalesce(i.items, 0) <> %d)
        """
            .formatted(Deed.ITEMS));
  }

  private List<String> submitsOfHandlersHold() throws SQLException {
    return db.some(
        """
        select o.id, p.params
          from batchyard.outcome o
          join batchyard.task p on p.id = o.id and p.params ->> 'deed' = 'spawn'
         where o.state = 'completed' and p.params ->> 'child' is not null
           and not exists (select from batchyard.task c
                            where c.key = 'child ' || (p.params ->> 'child'))
        """);
  }

  /** The instants are those of the database; a process that died wrote no end. */
  private List<String> attemptsOneAtATime() throws SQLException {
    return db.some(
        """
        select a.task, a.attempt, 'ran until', a.over_at, b.attempt, 'from', b.begun_at
          from public.run a
          join public.run b
               on b.task = a.task and b.attempt > a.attempt and b.begun_at < a.over_at
         where not exists (select from batchyard.attempt_log l
                            where l.task = a.task and l.attempt = a.attempt and l.ended = 'lost')
        """);
  }

  /** An attempt begins later than its row says, if its end had to wait, and never earlier. */
  private List<String> retriesWait() throws SQLException {
    return db.some(
        """
        with failed as (
          select *, row_number() over (partition by task, generation order by attempt) as n
            from batchyard.attempt_log
           where ended = 'failed' and not final),
        begun as (
          select task, generation, attempt, started_at from batchyard.attempt_log
          union all
          select id, generation, attempt, started_at from batchyard.outcome where lease is not null)
        select f.task, f.attempt, 'failed at', f.ended_at, 'and the next began at', b.started_at
          from failed f
          join batchyard.task t on t.id = f.task
          join batchyard.retry_policy p on p.name = t.retry
          join begun b
               on b.task = f.task and b.generation = f.generation and b.attempt = f.attempt + 1
         where b.started_at + interval '1 ms'
               < f.ended_at + least(p.max_delay, p.first_delay * case p.backoff
                                                                   when 'linear' then f.n
                                                                   else 2 ^ (f.n - 1) end)
        """);
  }

  /** Its lease had lapsed, or its lock had been seen free for a second without a beat. */
  private List<String> nodesAreFencedForAReason() throws SQLException {
    return db.some(
        """
        select name, boot, fenced_why, beat_at, lease_until, free_seen_at, fenced_at
          from batchyard.node
         where fenced_why = 'its lease lapsed' and fenced_at <= lease_until
            or fenced_why = 'its session was gone'
               and (free_seen_at is null or free_seen_at < beat_at
                    or fenced_at < free_seen_at + interval '1 s')
        """);
  }

  private List<String> spansHaveTheirPartitions() throws SQLException {
    return db.some(
        """
        select coalesce(s.number, p.number) as number, s.closed, p.names
          from (select * from batchyard.id_span) s
          full join (select substring(c.relname from '[0-9]+$')::integer as number,
                            array_agg(c.relname::text || case when i.inhrelid is null
                                                              then ' detached' else '' end) as names
                       from pg_class c
                       left join pg_inherits i on i.inhrelid = c.oid
                      where c.relnamespace = 'batchyard'::regnamespace
                        and c.relname ~ '^(task|outcome)_[0-9]+$'
                      group by 1) p using (number)
         where s.closed is not null or s.number is null or cardinality(p.names) is distinct from 2
            or array_to_string(p.names, ' ') like '%detached%'
        """);
  }
}
