package dev.batchyard.bench;

import dev.batchyard.store.Store;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import javax.sql.DataSource;

/** A history of ended tasks over several partitions, and tasks that wait, made by SQL. */
final class HistoryRows {

  static final int TYPES = 12;
  static final int PARTITIONS = 4;

  /** A type and a queue without a task: whoever asks for one walks as far as a walk may go. */
  static final String RARE = "bench.rare";

  private static final long PARTITION_IDS = 10_000_000;
  private static final long CHUNK = 250_000;
  private static final int BLOCK_IDS = 500;

  private final DataSource source;
  private final Store store;
  private final PrintStream out;

  HistoryRows(DataSource source, Store store, PrintStream out) {
    this.source = source;
    this.store = store;
    this.out = out;
  }

  static String type(int number) {
    return "bench.kind_" + number;
  }

  /** {@return the first id of a part of the history} */
  static long first(int partition) {
    return partition * PARTITION_IDS + 1;
  }

  /** Fills the tables; {@return the highest id}. */
  long fill(long history, long waiting) throws SQLException {
    lanes();
    long each = history / PARTITIONS;
    for (int partition = 0; partition < PARTITIONS; partition++) {
      long end = first(partition) + each;
      moveTo(end);
      for (long from = first(partition); from < end; from += CHUNK) {
        ended(from, Math.min(end, from + CHUNK) - 1);
      }
      out.printf(Locale.ROOT, "# %,d tasks of history%n", (partition + 1) * each);
    }
    run(
        """
        insert into batchyard.tally (day, lane, state, n)
        select (finished_at at time zone 'UTC')::date, lane, state, count(*)
          from batchyard.outcome
         group by 1, 2, 3
        """);
    long from = first(PARTITIONS - 1) + each;
    long last = from + waiting - 1;
    moveTo(last);
    tasks(from, last);
    long middle = from + waiting / 2;
    blocks(from, middle - 1, 1);
    blocks(middle, last, BLOCK_IDS);
    for (String table : List.of("task", "outcome", "block", "tally", "lane")) {
      run("vacuum analyze batchyard." + table);
    }
    run("checkpoint");
    return last;
  }

  private void lanes() throws SQLException {
    run(
        """
        insert into batchyard.queue (name) values ('%2$s');
        insert into batchyard.lane (queue, type, priority)
        select q.name, 'bench.kind_' || g, 4 from generate_series(0, %1$d) g cross join batchyard.queue q
         union all
        select 'default', '%2$s', 4
        """
            .formatted(TYPES - 1, RARE));
  }

  private void moveTo(long id) throws SQLException {
    run("select setval('batchyard.task_id', %d)".formatted(id));
    store.upkeep().runOnce();
  }

  // the lane of an id: kinds 0 to 5 have nearly all tasks, the others one of a hundred
  private static String lane(String id) {
    return "(select l.lane from lanes l where l.kind = case when %1$s %% 100 = 0 then 6 + %1$s / 100 %% 6 else %1$s %% 6 end)"
        .formatted(id);
  }

  private static String lanesOf() {
    return """
    with lanes as materialized (
      select id as lane, type, substr(type, 12)::bigint as kind
        from batchyard.lane where type like 'bench.kind_%' and queue = 'default')
    """;
  }

  private void tasks(long from, long last) throws SQLException {
    run(
        lanesOf()
            + """
            insert into batchyard.task (id, lane, label, params, retry, submitted_at)
            select g, %s, 'task ' || g,
                   jsonb_build_object('file', 'data/in/' || g || '.csv', 'table', 'public.target'),
                   'default', now() - interval '1 h'
              from generate_series(%d, %d) g
            """
                .formatted(lane("g"), from, last));
  }

  private void ended(long from, long last) throws SQLException {
    tasks(from, last);
    run(
        """
        insert into batchyard.outcome (id, type, state, lane, attempt, failures, crashes, generation,
                                       lease, node, started_at, finished_at, result, error)
        select t.id, l.type, s.state, t.lane, 1, (s.state = 'failed')::integer, 0, 1, t.id / 100,
               'node-1', now() - interval '9 s', now() - interval '1 s' * (t.id %% 864000),
               case s.state when 'completed' then '{"rows": 3}'::jsonb end,
               case s.state when 'failed' then '{"kind": "Oops", "message": "no such file"}'::jsonb end
          from batchyard.task t
          join batchyard.lane l on l.id = t.lane
         cross join lateral (
           select case hashint8(t.id) %% 1000
                       when 1 then 'quarantined'
                       when 2 then 'cancelled' when 3 then 'cancelled' when 4 then 'cancelled'
                       when 5 then 'failed' when 6 then 'failed' when 7 then 'failed'
                       when 8 then 'failed' when 9 then 'failed'
                       else 'completed' end::batchyard.task_state as state) s
         where t.id between %d and %d
        """
            .formatted(from, last));
  }

  private void blocks(long from, long last, int ids) throws SQLException {
    run(
        lanesOf()
            + """
            insert into batchyard.block (lane, due_at, first, lo, hi)
            select %s, now() - interval '1 ms' * (g %% 3600000), g, g, least(g + %d, %d)
              from generate_series(%d, %d, %d) g
            """
                .formatted(lane("g"), ids - 1, last, from, last, ids));
  }

  private void run(String sql) throws SQLException {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
