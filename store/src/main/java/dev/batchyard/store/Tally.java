package dev.batchyard.store;

import dev.batchyard.api.TaskState;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.Map;

/**
 * How many tasks stand in each state, without a walk through history: ended ones from the sums of
 * {@code tally}, the others from the homes in which they wait or run. Exact, in one snapshot.
 */
final class Tally {

  /** Rows beyond those that a roll-up leaves, from which on another one is worth its writes. */
  static final int LOOSE_MAX = 1_000;

  // Sums by a filter take less than half of what a group by a state takes that is made of words.
  private static final String COUNTS =
      """
      select state, sum(n)::bigint as n
        from (select v.state, v.n
                from (select sum((hi - lo + 1)::integer) filter (where due_at <= c.now) as ready,
                             sum((hi - lo + 1)::integer)
                               filter (where due_at > c.now and kind = 'retry') as retrying,
                             sum((hi - lo + 1)::integer)
                               filter (where due_at > c.now and kind <> 'retry') as scheduled
                        from block
                       cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c) b
               cross join lateral (values ('ready'::task_state, b.ready), ('retrying', b.retrying),
                                          ('scheduled', b.scheduled)) v (state, n)
              union all
              select 'running', sum((select sum(upper(r) - lower(r)) from unnest(ids) r)) from lease
              union all
              select state, count(*) from parked group by state
              union all
              select state, sum(n) from tally group by state) s
       group by state
      having sum(n) > 0
      """;

  private static final String LOOSE =
      """
      select count(*) - count(distinct (day, lane, state)) as n from tally
      """;

  // Two at once take different rows: who waits for a row that the other has deleted passes it over.
  private static final String ROLL_UP =
      """
      with old as (
        delete from tally returning *)
      insert into tally (day, lane, state, n)
      select day, lane, state, sum(n)
        from old
       group by day, lane, state
      having sum(n) <> 0
      """;

  private Tally() {}

  static Map<TaskState, Long> counts(Db db, StoreClock clock) {
    Map<TaskState, Long> counts = new EnumMap<>(TaskState.class);
    db.query(
            COUNTS,
            r -> Map.entry(TaskRows.state(r.getString("state")), r.getLong("n")),
            clock.bound())
        .forEach(e -> counts.put(e.getKey(), e.getValue()));
    return counts;
  }

  /** Makes one row of all rows of a day, lane and state, if more than so many can be spared. */
  static void rollUp(Connection connection, int looseMax) throws SQLException {
    if (Sql.query(connection, LOOSE, r -> r.getLong("n")).getFirst() > looseMax) {
      Sql.run(connection, ROLL_UP);
    }
  }
}
