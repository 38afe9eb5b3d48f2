package dev.batchyard.store;

import dev.batchyard.engine.port.Doctor.Found;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Walks the ids downwards: each is to have a task and one home, or neither. A page is one
 * statement, and so one snapshot: a task that moves is in it where it was or where it is.
 */
final class HomesPages implements Scan.Pages {

  /** Ids of a page. */
  private static final long IDS = 10_000;

  private static final String START =
      """
      select (last_value + 1)::text from task_id
      """;

  private static final String TOP =
      """
      select greatest(
               (select max(id) from task where id < w.below),
               (select max(id) from outcome where id < w.below),
               (select max(id) from parked where id < w.below),
               (select least(first + 499, w.below - 1) from block
                 where first < w.below order by first desc limit 1),
               (select max(upper(ids * w.ids) - 1) from lease where ids && w.ids)) as top
        from (select ?::bigint as below, int8multirange(int8range(null, ?::bigint)) as ids) w
      """;

  private static final String PAGE =
      """
      with homes as materialized (
        select id, sum(tasks) as tasks, count(home) as homes, string_agg(home, ', ') as told
          from (select id, 1 as tasks, null as home from task where id >= ? and id <= ?
                 union all
                select id, 0, 'outcome' from outcome where id >= ? and id <= ?
                 union all
                select id, 0, 'parked' from parked where id >= ? and id <= ?
                 union all
                select i, 0, 'block'
                  from block b
                 cross join generate_series(greatest(b.lo, ?), least(b.hi, ?)) i
                 where b.first >= ?::bigint - 499 and b.first <= ?
                 union all
                select i, 0, 'lease'
                  from lease l
                 cross join unnest(l.ids * int8multirange(int8range(?, ?, '[]'))) r
                 cross join generate_series(lower(r), upper(r) - 1) i
                 where l.ids && int8multirange(int8range(?, ?, '[]'))) s
         group by id)
      select n.looked, h.subject, h.key, h.detail
        from (select count(*) as looked from homes) n
        left join (
          select 'task ' || id as subject, id::text as key,
                 case when tasks = 0 then 'there is no such task, and it is in ' || told
                      when homes = 0 then 'it is in no home'
                      else 'it is in ' || told end as detail
            from homes
           where tasks <> 1 or homes <> 1
           order by id desc
           limit 1000) h on true
      """;

  @Override
  public String start(Connection connection) throws SQLException {
    return Sql.query(connection, START, r -> r.getString(1)).getFirst();
  }

  @Override
  public Scan.Page page(Connection connection, String from) throws SQLException {
    long below = Long.parseLong(from);
    OptionalLong top =
        Sql.query(connection, TOP, r -> Sql.maybeLong(r, "top"), below, below).getFirst();
    if (top.isEmpty()) {
      return new Scan.Page(List.of(), 0, Optional.empty());
    }
    long hi = top.getAsLong();
    long lo = hi - IDS + 1;
    List<Found> found = new ArrayList<>();
    long looked =
        Sql.query(
                connection,
                PAGE,
                r -> {
                  if (r.getString("subject") != null) {
                    found.add(Scan.found(r));
                  }
                  return r.getLong("looked");
                },
                lo,
                hi,
                lo,
                hi,
                lo,
                hi,
                lo,
                hi,
                lo,
                hi,
                lo,
                hi,
                lo,
                hi)
            .getFirst();
    return new Scan.Page(found, looked, Optional.of(Long.toString(lo)));
  }
}
