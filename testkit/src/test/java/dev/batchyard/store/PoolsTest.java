package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Pools.Change;
import dev.batchyard.engine.port.Pools.Holder;
import dev.batchyard.engine.port.Pools.Kind;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class PoolsTest {

  private final StoreFixture f;
  private final Pools pools;
  private UUID node = new UUID(0, 0);

  PoolsTest(TestDatabase test) {
    f = new StoreFixture(test);
    pools = f.store.pools();
  }

  @BeforeEach
  void register() {
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  private void make(String name, long capacity) {
    assertThat(pools.create(Pool.slots(name, capacity), "ann")).isEqualTo(Change.DONE);
  }

  private long submit(Map<String, Integer> uses) {
    return f.submit(StoreFixture.using(uses));
  }

  private List<Long> submit(int count, Map<String, Integer> uses) {
    return f.submit(Collections.nCopies(count, StoreFixture.using(uses)));
  }

  private Change resize(long capacity, String by) {
    return pools.edit("llm", pool -> pool.withCapacity(capacity), by);
  }

  private long used(String pool) {
    return pools.find(pool).orElseThrow().used();
  }

  private static List<Long> tasks(List<Claim> claims) {
    return claims.stream().map(Claim::task).toList();
  }

  @Test
  void no_more_tasks_of_a_pool_run_than_it_has_units() {
    make("数据库", 3);
    List<Long> ids = submit(10, Map.of("数据库", 1));

    assertThat(tasks(f.claim(node, 8))).isEqualTo(ids.subList(0, 3));
    assertThat(f.claim(node, 8)).isEmpty();
    assertThat(used("数据库")).isEqualTo(3);
    assertThat(pools.find("数据库").orElseThrow().waiting()).isEqualTo(7);
  }

  @Test
  void a_task_uses_as_many_units_as_it_says() {
    make("llm", 5);
    submit(4, Map.of("llm", 2));

    assertThat(f.claim(node, 8)).hasSize(2);
    assertThat(used("llm")).isEqualTo(4);
  }

  @Test
  void a_task_takes_all_of_its_pools_or_none() {
    make("db", 2);
    make("llm", 1);
    submit(Map.of("llm", 1));
    Claim first = f.claimOne(node);
    long both = submit(Map.of("llm", 1, "db", 2));

    assertThat(f.claim(node, 8)).isEmpty();
    assertThat(used("db")).isZero();

    f.finish(first, StoreFixture.complete());
    assertThat(tasks(f.claim(node, 8))).containsExactly(both);
    assertThat(used("db")).isEqualTo(2);
    assertThat(used("llm")).isEqualTo(1);
  }

  @Test
  void what_waits_for_a_full_pool_holds_up_nothing_else() {
    make("llm", 1);
    make("db", 1);
    submit(3, Map.of("llm", 1));
    f.claimOne(node);
    long plain = f.submit();
    long other = submit(Map.of("db", 1));

    assertThat(tasks(f.claim(node, 8))).containsExactly(plain);
    assertThat(tasks(f.claim(node, 8))).containsExactly(other);
    assertThat(f.claim(node, 8)).isEmpty();
  }

  @Test
  void a_hundred_thousand_tasks_behind_a_full_pool_are_not_walked() {
    make("llm", 1);
    submit(2, Map.of("llm", 1));
    f.claimOne(node);
    f.sql(
        """
        insert into block (lane, due_at, first, lo, hi)
        select (select id from lane where pools <> '{}'), timestamptz '2031-01-01' + i * interval '1 s',
               1000000 + i, 1000000 + i, 1000000 + i
          from generate_series(1, 100000) i;
        analyze block;
        """);
    assertThat(f.claim(node, 8)).isEmpty(); // now it is known to be full

    long before = blockPages();
    for (int i = 0; i < 20; i++) {
      f.submit();
      assertThat(f.claim(node, 8)).hasSize(1);
    }
    assertThat(blockPages() - before).isLessThan(20 * 30L);
  }

  private long blockPages() {
    f.sql("select pg_stat_force_next_flush()");
    return f.count(
        """
        select heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit
          from pg_statio_user_tables where relname = 'block'
        """);
  }

  @Test
  void units_are_free_with_the_lease_however_the_attempt_ends() {
    make("llm", 1);
    submit(6, Map.of("llm", 1));
    List<Verdict> ends =
        List.of(
            StoreFixture.complete(),
            new Verdict.Fail(StoreFixture.failure()),
            StoreFixture.retry(Duration.ofMinutes(1)),
            new Verdict.Snooze(Duration.ofMinutes(1)),
            new Verdict.Pause(),
            new Verdict.Cancel());
    for (Verdict end : ends) {
      List<Claim> claims = f.claim(node, 8);
      assertThat(claims).hasSize(1);
      assertThat(used("llm")).isEqualTo(1);
      f.finish(claims, end);
      assertThat(used("llm")).isZero();
    }
  }

  @Test
  void units_of_a_node_that_died_are_free_when_its_tasks_are_rescued() {
    make("llm", 1);
    long first = submit(Map.of("llm", 1));
    UUID dying = f.node();
    f.claimOne(dying);
    assertThat(f.claim(node, 8)).isEmpty();

    assertThat(f.kill(dying)).isEqualTo(1);
    assertThat(used("llm")).isZero();
    assertThat(tasks(f.claim(node, 8))).containsExactly(first);
  }

  @Test
  void units_of_a_claim_that_nobody_got_go_back_with_it() {
    make("llm", 1);
    submit(Map.of("llm", 1));
    f.claimOne(node);

    assertThat(f.store.claims().releaseUnheld(node, Set.of())).isEqualTo(1);
    assertThat(used("llm")).isZero();
    assertThat(f.claim(node, 8)).hasSize(1);
  }

  @Test
  void a_cancelled_task_frees_its_units_when_its_attempt_has_ended() {
    make("llm", 1);
    List<Long> ids = submit(2, Map.of("llm", 1));
    Claim running = f.claimOne(node);
    f.store.operatorMoves().cancel(ids.getFirst(), "ann");
    assertThat(used("llm")).isEqualTo(1);

    f.finish(running, StoreFixture.retry(Duration.ZERO)); // it did not know yet
    assertThat(f.state(ids.getFirst())).isEqualTo(TaskState.CANCELLED);
    assertThat(tasks(f.claim(node, 8))).containsExactly(ids.getLast());
  }

  @Test
  void a_raised_capacity_counts_for_the_next_claim() {
    make("llm", 1);
    submit(5, Map.of("llm", 1));
    f.claimOne(node);
    assertThat(f.claim(node, 8)).isEmpty();

    assertThat(resize(4, "bob")).isEqualTo(Change.DONE);
    assertThat(f.claim(node, 8)).hasSize(3);
    assertThat(pools.find("llm").orElseThrow().setBy()).isEqualTo("bob");
  }

  @Test
  void under_a_lowered_capacity_nothing_starts_until_less_is_in_use() {
    make("llm", 3);
    submit(5, Map.of("llm", 1));
    List<Claim> running = f.claim(node, 8);
    resize(2, "ann");
    assertThat(used("llm")).isEqualTo(3);

    f.finish(running.get(0), StoreFixture.complete());
    assertThat(f.claim(node, 8)).isEmpty();
    f.finish(running.get(1), StoreFixture.complete());
    assertThat(f.claim(node, 8)).hasSize(1);
  }

  @Test
  void nothing_of_a_pool_starts_while_its_capacity_is_nought() {
    make("llm", 0);
    submit(Map.of("llm", 1));

    assertThat(f.claim(node, 8)).isEmpty();
    resize(1, "ann");
    assertThat(f.claim(node, 8)).hasSize(1);
  }

  @Test
  void a_task_that_uses_more_than_there_is_waits_and_holds_up_nobody() {
    make("llm", 2);
    long large = submit(Map.of("llm", 3));
    long small = submit(Map.of("llm", 1));

    assertThat(tasks(f.claim(node, 8))).containsExactly(small);
    resize(4, "ann");
    assertThat(tasks(f.claim(node, 8))).containsExactly(large);
  }

  @Test
  void those_that_need_less_do_not_slip_past_the_first_in_line() {
    make("llm", 2);
    submit(Map.of("llm", 1));
    Claim running = f.claimOne(node);
    long large = submit(Map.of("llm", 2));
    f.pass(Duration.ofSeconds(1));
    submit(Map.of("llm", 1));

    assertThat(f.claim(node, 8)).isEmpty();
    f.finish(running, StoreFixture.complete());
    assertThat(tasks(f.claim(node, 8))).containsExactly(large);
  }

  @Test
  void no_task_of_a_pool_is_claimed_ahead_of_a_free_slot() {
    make("llm", 8);
    submit(8, Map.of("llm", 1));

    assertThat(
            f.store
                .claims()
                .claim(
                    node, new UUID(1, 1), Map.of(StoreFixture.TYPE, 500), 500, 2, true, Set.of()))
        .hasSize(2);
    assertThat(
            f.store
                .claims()
                .claim(
                    node, new UUID(1, 2), Map.of(StoreFixture.TYPE, 500), 500, 0, true, Set.of()))
        .isEmpty();
  }

  @Test
  void tasks_that_lost_their_node_together_run_one_by_one_when_the_pool_has_become_smaller() {
    make("llm", 8);
    submit(8, Map.of("llm", 1));
    UUID dying = f.node();
    assertThat(f.claim(dying, 8)).hasSize(8);
    f.kill(dying); // halves of four, each to be leased together
    resize(1, "ann");

    for (int i = 0; i < 8; i++) {
      List<Claim> claims = f.claim(node, 8);
      assertThat(claims).hasSize(1);
      f.finish(claims, StoreFixture.complete());
    }
  }

  @Test
  void an_unknown_pool_is_refused_with_the_one_that_was_meant() {
    make("语言模型", 1);

    assertThatThrownBy(
            () -> f.submit(List.of(StoreFixture.draft(), StoreFixture.using(Map.of("语言模形", 1)))))
        .isInstanceOf(UnknownName.class)
        .hasMessageContaining("pool '语言模形' does not exist; did you mean '语言模型'?")
        .hasMessageContaining("pool create 语言模形")
        .satisfies(e -> assertThat(((UnknownName) e).field()).isEqualTo("pools"))
        .satisfies(e -> assertThat(((UnknownName) e).place()).hasValue(1));
    assertThat(f.count("select count(*) from lane where pools <> '{}'")).isZero();
  }

  @Test
  void a_pool_that_tasks_use_is_not_deleted() {
    make("llm", 1);
    List<Long> ids = submit(2, Map.of("llm", 1));
    Claim claim = f.claimOne(node);
    assertThatThrownBy(() -> pools.delete("llm"))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContaining("such as task " + ids.getFirst());

    f.store.operatorMoves().pause(ids.getLast(), "ann");
    f.finish(claim, StoreFixture.complete());
    assertThatThrownBy(() -> pools.delete("llm"))
        .hasMessageContaining("such as task " + ids.getLast());

    f.store.operatorMoves().cancel(ids.getLast(), "ann");
    assertThat(pools.delete("llm")).isEqualTo(Change.DONE);
    assertThat(pools.find("llm")).isEmpty();
    assertThatThrownBy(() -> submit(Map.of("llm", 1))).isInstanceOf(UnknownName.class);
  }

  @Test
  void a_task_run_again_after_its_pool_was_deleted_waits_for_a_pool_of_that_name() {
    make("llm", 1);
    long task = submit(Map.of("llm", 1));
    f.finish(f.claimOne(node), new Verdict.Fail(StoreFixture.failure()));
    pools.delete("llm");
    f.store.operatorMoves().rerun(task, "ann");

    assertThat(f.claim(node, 8)).isEmpty();
    make("llm", 1);
    assertThat(tasks(f.claim(node, 8))).containsExactly(task);
  }

  @Test
  void holders_are_told_with_their_units_and_nodes() {
    make("llm", 9);
    List<Long> ids = submit(2, Map.of("llm", 4));
    f.claim(node, 8);

    assertThat(pools.holders("llm"))
        .extracting(Holder::task, Holder::units, Holder::node, Holder::since)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(ids.get(0), 4, "node-" + node, StoreFixture.START),
            org.assertj.core.groups.Tuple.tuple(ids.get(1), 4, "node-" + node, StoreFixture.START));
    assertThat(pools.holders("db")).isEmpty();
  }

  @Test
  void what_cannot_be_a_pool_is_refused_with_what_can() {
    assertThatThrownBy(() -> Pool.slots("a b", 1))
        .hasMessageContaining("pool 'a b': a name has 1 to 100 letters");
    assertThatThrownBy(() -> Pool.slots("llm", -1))
        .hasMessageContaining("capacity of pool 'llm': -1 is not from 0 to");
    assertThatThrownBy(() -> Pool.slots("llm", 1).withPeriod(Duration.ofMinutes(1)))
        .hasMessageContaining("period of pool 'llm': slots have none");
    assertThatThrownBy(() -> Pool.rate("llm", 1, Duration.ofMillis(99)))
        .hasMessageContaining("PT0.099S is not from 100 ms to 366 days");
    assertThatThrownBy(() -> new Pool("llm", Kind.RATE, 1, Optional.empty()))
        .hasMessageContaining("a rate needs one, such as 1m");
    make("llm", 1);
    assertThat(pools.create(Pool.slots("llm", 2), "ann")).isEqualTo(Change.ALREADY);
    assertThat(resize(1, "ann")).isEqualTo(Change.ALREADY);
    assertThatThrownBy(
            () -> pools.edit("llm", was -> Pool.rate("llm", 1, Duration.ofDays(1)), "ann"))
        .hasMessageContaining("pool 'llm' is slots and cannot become rate");
    assertThatThrownBy(() -> pools.refill("llm", "ann"))
        .hasMessageContaining("only a budget is refilled");
    assertThat(pools.edit("db", was -> was, "ann")).isEqualTo(Change.NOT_FOUND);
    assertThat(pools.refill("db", "ann")).isEqualTo(Change.NOT_FOUND);
    assertThat(pools.delete("db")).isEqualTo(Change.NOT_FOUND);
    assertThat(pools.list()).extracting(row -> row.pool().name()).containsExactly("llm");
    assertThat(pools.find("db")).isEqualTo(Optional.empty());
  }
}
