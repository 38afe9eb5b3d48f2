package dev.batchyard.store;

import dev.batchyard.engine.port.RunningRows;
import java.util.Comparator;
import java.util.List;

/**
 * Shares the lease with no end of its attempt: a row that came after that would be swept, but only
 * by the next {@link PgUpkeep}.
 */
final class PgRunningRows implements RunningRows {

  private static final String RECORD =
      """
      insert into running as r
        (task, lease, node, started_at, items, fraction, rate, remaining_ms, at)
      select g.task, l.id, ?, c.now - g.ran * interval '1 ms', g.items, g.fraction, g.rate,
             nullif(g.remaining_ms, -1), c.now
        from (select coalesce(?::timestamptz, clock_timestamp()) as now) c
       cross join unnest(?::bigint[], ?::bigint[], ?::text[]::uuid[], ?::bigint[], ?::bigint[],
                         ?::double precision[], ?::double precision[], ?::bigint[])
             g (task, lease, token, ran, items, fraction, rate, remaining_ms)
       cross join lateral (
         select l.id
           from lease l
          where l.id = g.lease and l.token = g.token and l.ids @> g.task
            for share) l
          on conflict (task) do update
         set lease = excluded.lease, node = excluded.node,
             started_at = case when r.lease = excluded.lease then r.started_at
                               else excluded.started_at end,
             items = excluded.items, fraction = excluded.fraction, rate = excluded.rate,
             remaining_ms = excluded.remaining_ms, at = excluded.at
      """;

  private final Db db;
  private final StoreClock clock;

  PgRunningRows(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
  }

  @Override
  public void record(String node, List<RunningRow> rows) {
    if (rows.isEmpty()) {
      return;
    }
    List<RunningRow> ordered =
        rows.stream().sorted(Comparator.comparingLong(r -> r.claim().task())).toList();
    int _ =
        db.update(
            RECORD,
            node,
            clock.bound(),
            ordered.stream().mapToLong(r -> r.claim().task()).toArray(),
            ordered.stream().mapToLong(r -> r.claim().lease()).toArray(),
            ordered.stream().map(r -> r.claim().token().toString()).toArray(String[]::new),
            ordered.stream().mapToLong(r -> r.ran().toMillis()).toArray(),
            ordered.stream().mapToLong(RunningRow::items).toArray(),
            ordered.stream().mapToDouble(RunningRow::fraction).toArray(),
            ordered.stream().mapToDouble(RunningRow::rate).toArray(),
            ordered.stream().mapToLong(r -> r.remainingMs().orElse(-1)).toArray());
  }
}
