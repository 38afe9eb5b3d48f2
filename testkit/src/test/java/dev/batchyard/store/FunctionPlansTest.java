package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The statements within functions are planned at their first call, perhaps over empty tables, and
 * keep their plans. Here each is called so, then again over many rows, and what it read is counted:
 * pages, since a scan that finds nothing reads them all the same.
 */
@PostgresTest
class FunctionPlansTest {

  private static final int TASKS = 6_000;

  /** A call reads at most this many pages for ten tasks; one whole table alone has more. */
  private static final long PAGES_MAX = 400;

  /** What reads no table that grows. */
  private static final Set<String> TABLELESS =
      Set.of(
          "fail",
          "expiry_of",
          "locks_held",
          "node_lock_held",
          "pool_bin",
          "pool_capacity",
          "pool_named");

  /** What each is called with, for tasks from a number on. */
  private static final Map<String, String> CALLS = new LinkedHashMap<>();

  static {
    CALLS.put(
        "settle", "select settle(array(select generate_series(:n::bigint, :n + 9)), '2031-01-02')");
    CALLS.put("unblock", "select unblock(:n + 10, '2031-01-02', 'a', '')");
    CALLS.put("end_batch", "select end_batch(:n + 10, '2031-01-02')");
    CALLS.put("unsettle", "select unsettle(:n + 11, '2031-01-02')");
    CALLS.put(
        "take_keys",
        """
        select take_keys(array_agg(:n + 1000000 + i / 2), array_agg('live'::key_scope),
                         array_agg('test.work'::text), array_agg(case when i < 9 then 'new' else 'k' end || (:n + i)),
                         array_agg('infinity'::timestamptz), '2031-01-02')
          from generate_series(0, 9) i
        """);
    CALLS.put(
        "commit_chunk",
        """
        select commit_chunk(:n + 12, lpad((:n + 12)::text, 32, '0')::uuid, 0, 1, '{}', 1, 1, 0, 0, null)
        """);
    CALLS.put(
        "read_checkpoint",
        """
        select read_checkpoint(:n + 12, lpad((:n + 12)::text, 32, '0')::uuid, 0)
        """);
    CALLS.put("step_round", "select step_round(:n + 12)");
    CALLS.put(
        "begin_step",
        """
        select begin_step(:n + 12, lpad((:n + 12)::text, 32, '0')::uuid, 'new', false, 'test.undo', '{}',
                          'default', 100, '2031-01-02')
        """);
    CALLS.put(
        "end_step",
        """
        select end_step(:n + 12, lpad((:n + 12)::text, 32, '0')::uuid, 'b', '{}', '2031-01-02')
        """);
    CALLS.put("undo_steps", "select undo_steps(:n + 13, '2031-01-02')");
    CALLS.put("undo_next", "select undo_next(:n + 12, 1::smallint, '2031-01-02')");
    CALLS.put("undo_ended", "select undo_ended(array[2000000 + :n + 12], '2031-01-02')");
    CALLS.put(
        "undo", "select undo(array(select generate_series(:n::bigint, :n + 9)), '2031-01-02')");
    CALLS.put("not_undone", "select not_undone(:n + 10)");
    CALLS.put("undo_again", "select undo_again(2000000 + :n + 12, '2031-01-02')");
    CALLS.put("lane_of", "select lane_of('default', 'test.work', 4, 0, '{llm}', '{2}')");
    CALLS.put("count_type", "select count_type(p, true) from pool p where name = 'llm'");
    CALLS.put("pool_again", "select pool_again(p, '2031-01-02') from pool p where name = 'rate'");
    CALLS.put("pool_spend", "select pool_spend(4, 1, '2031-01-02')");
    CALLS.put(
        "slow_down",
        """
        select slow_down(:n + 12, lpad((:n + 12)::text, 32, '0')::uuid, null, '1 s', '2031-01-02')
        """);
    CALLS.put("split_again", "select split_again(5000000 + :n, 2, 'a', '2031-01-02')");
    // these may read all leases: they count what runs, or look for what no node has
    CALLS.put("pool_used", "select pool_used(p, p.name, '2031-01-02') from pool p");
    CALLS.put("cancel_parts", "select cancel_parts(5000000 + :n, 'a', '2031-01-02')");
    CALLS.put("pool_room", "select pool_room(4, '2031-01-02')");
    CALLS.put(
        "beat",
        """
        select beat(lpad('1', 32, '0')::uuid, '10 s', true, 0, '1 day', null, 1, 0.5, 0.5, 0.5, 0.5, 0.4, '2031-01-02')
        """);
  }

  /** Tasks in every home at once: what is read is counted here, not what it means. */
  private static final String FILL =
      """
      insert into node (boot, name, host, pid, version, types, slots, lock_key, started_at, beat_at,
                        lease_until)
      values (lpad('1', 32, '0')::uuid, 'a', 'h', 1, '0', '{test.work}', 1, 1, '2031-01-01', '2031-01-01',
              '2031-01-01') on conflict do nothing;
      insert into lane (id, queue, type, priority) overriding system value
      values (1, 'default', 'test.work', 4), (2, 'default', 'test.undo', 4) on conflict do nothing;
      insert into pool (name, kind, capacity, period, since, set_by, set_at)
      values ('llm', 'slots', 1, null, '2031-01-01', 'a', '2031-01-01'),
             ('rate', 'rate', 1, '1 s', '2031-01-01', 'a', '2031-01-01') on conflict do nothing;
      select setval(pg_get_serial_sequence('lane', 'id'), 100);
      insert into pool_spent select 'rate', timestamptz '2030-01-01' + i * interval '1 s', 1
        from generate_series(%1$d, %1$d + 15) i;
      insert into lane (id, queue, type, priority, pools, units) overriding system value
      values (4, 'default', 'test.work', 4, '{llm,rate}', '{1,1}') on conflict do nothing;
      insert into task (id, submitted_at, lane, flags, label, params, retry, live_key, batch, limits)
      select i, '2031-01-01', 1, 7, '', '{}', 'default', 'k' || i, i, '{"totalMs": 1000}'
        from generate_series(%1$d, %2$d) i;
      insert into task_key select 'live', 'test.work', 'k' || i, i, 'infinity'
        from generate_series(%1$d, %2$d) i where i %% %1$d <> 11;
      insert into expiry select i, null, null, '2032-01-01', false, '2032-01-01'
        from generate_series(%1$d, %2$d) i;
      insert into batch (id, label, opened_at, sealed_at, then_task, total, completed)
      overriding system value
      select i, '', '2031-01-01', '2031-01-01', i, 3, case i - %1$d when 10 then 3 else 1 end
        from generate_series(%1$d, %2$d) i;
      insert into batch (id, label, opened_at, sealed_at, then_task, total, kind, first, generation)
      overriding system value
      values (5000000 + %1$d, '', '2031-01-01', '2031-01-01', 5000000, 3, 'split', 4000000 + %1$d, 1);
      insert into parked select i, 'blocked', 'blocked', 'new', 1, '2031-01-01', 0, 0, 0, 1, 'a', '2031-01-01'
        from generate_series(%1$d, %2$d) i;
      insert into outcome (id, type, state, lane, attempt, failures, crashes, generation, finished_at)
      select i, 'test.work', 'completed', 1, 1, 0, 0, 1, '2031-01-01'
        from generate_series(%1$d, %2$d) i;
      insert into block (lane, due_at, first, lo, hi)
      select 1, '2031-01-01', i, i, i from generate_series(%1$d, %2$d) i;
      insert into lease (token, boot, lane, due_at, whole, attempt, failures, crashes, generation,
                         ids, claimed_at)
      select lpad(i::text, 32, '0')::uuid, lpad('1', 32, '0')::uuid, 1, '2031-01-01', false, 1, 0, 0, 1,
             int8multirange(int8range(i, i, '[]')), '2031-01-01'
        from generate_series(%1$d, %2$d) i;
      insert into checkpoint select i, 0, '{}', 1, 1, 0, 0, 1, '2031-01-01'
        from generate_series(%1$d, %2$d) i;
      insert into step (task, round, number, name, lease, started_at, undo_type, undo_params, undo_retry,
                        undo_task)
      select i, 1, n, case n when 1 then 'a' else 'b' end, 1, '2031-01-01', 'test.undo', '{}', 'default',
             case when i - %1$d <> 13 and n = 1 then 2000000 + i end
        from generate_series(%1$d, %2$d) i, generate_series(1, 2) n;
      insert into compensation select i, 1, 'undoing', '2031-01-01', '2031-01-01'
        from generate_series(%1$d, %2$d) i where i - %1$d not in (11, 12, 13);
      insert into event (task, at, from_state, to_state, by, why)
      select i, '2031-01-01', 'blocked', 'ready', 'a', '' from generate_series(%1$d, %2$d) i
      """;

  /** Pages that this transaction has looked at, of tables that grow and of their indexes. */
  private static final String PAGES =
      """
      select coalesce(sum(pg_stat_get_xact_blocks_fetched(r.oid)), 0)::bigint
        from pg_class c
       cross join lateral (
         select c.oid
          union all
         select i.indexrelid from pg_index i where i.indrelid = c.oid) r
       where c.relnamespace = 'batchyard'::regnamespace and c.relkind = 'r'
         and (?::text not in ('beat', 'pool_used', 'cancel_parts', 'pool_room') or c.relname <> 'lease')
      """;

  private final TestDatabase test;
  private StoreFixture f;

  FunctionPlansTest(TestDatabase test) {
    this.test = test;
  }

  @BeforeEach
  void analyzeEmptyTables() {
    f = new StoreFixture(test);
    f.sql("vacuum analyze");
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void no_function_planned_over_empty_tables_reads_all_of_one_that_grows() throws SQLException {
    try (Connection c = f.source.getConnection()) {
      assertReadsLittle(c, CALLS);
    }
  }

  @Test
  void nor_does_one_that_is_called_by_a_sink_or_a_session_with_other_settings()
      throws SQLException {
    Map<String, String> calls = new LinkedHashMap<>(CALLS);
    calls.keySet().retainAll(Set.of("commit_chunk", "read_checkpoint", "beat"));
    try (Connection c = test.connect()) {
      Sql.run(c, "set search_path = batchyard");
      assertReadsLittle(c, calls);
    }
  }

  private static void assertReadsLittle(Connection connection, Map<String, String> calls)
      throws SQLException {
    Map<String, Long> pages = new LinkedHashMap<>();
    Sql.run(connection, FILL.formatted(100, 115));
    connection.setAutoCommit(false);
    for (int i = 0; i < 6; i++) { // five plans are made for their values, the sixth to stay
      for (String call : calls.values()) {
        Sql.run(connection, call.replace(":n", "100"));
        connection.rollback();
      }
    }
    Sql.run(connection, FILL.formatted(1000, 1000 + TASKS));
    connection.commit();
    for (var call : calls.entrySet()) {
      long before = pages(connection, call.getKey());
      Sql.run(connection, call.getValue().replace(":n", "1000"));
      pages.put(call.getKey(), pages(connection, call.getKey()) - before);
      connection.rollback();
    }
    assertThat(pages)
        .allSatisfy((name, read) -> assertThat(read).as(name).isBetween(1L, PAGES_MAX));
  }

  private static long pages(Connection connection, String function) throws SQLException {
    return Sql.query(connection, PAGES, r -> r.getLong(1), function).getFirst();
  }

  @Test
  void every_function_that_reads_a_table_is_called_here() throws SQLException {
    Set<String> called = new TreeSet<>(CALLS.keySet());
    called.addAll(TABLELESS);
    try (Connection c = test.connect()) {
      List<String> functions =
          Sql.query(
              c,
              "select proname from pg_proc where pronamespace = 'batchyard'::regnamespace",
              r -> r.getString(1));
      assertThat(called).containsExactlyInAnyOrderElementsOf(functions);
    }
  }
}
