package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Pools.Change;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.TaskViews.PoolUse;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pools that are one for each key, and pools that count all tasks of a type. */
@PostgresTest
class PoolKeysTest {

  private final StoreFixture f;
  private final Pools pools;
  private UUID node = new UUID(0, 0);

  PoolKeysTest(TestDatabase test) {
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

  private void make(Pool pool) {
    assertThat(pools.create(pool, "ann")).isEqualTo(Change.DONE);
  }

  private long submit(String pool) {
    return f.submit(StoreFixture.using(Map.of(pool, 1)));
  }

  /** Claims until there is nothing more. */
  private List<Claim> claimAll() {
    f.passNothingOver();
    List<Claim> all = new ArrayList<>();
    List<Claim> some = f.claim(node, 500);
    while (!some.isEmpty()) {
      all.addAll(some);
      some = f.claim(node, 500);
    }
    return all;
  }

  private static List<Long> tasks(List<Claim> claims) {
    return claims.stream().map(Claim::task).sorted().toList();
  }

  @Test
  void at_most_so_many_of_a_key_run_and_other_keys_do_not_wait_for_them() {
    make(Pool.slots("客户", 2).withKeys());
    List<Long> acme = f.submit(Collections.nCopies(5, StoreFixture.using(Map.of("客户:甲", 1))));
    List<Long> other = f.submit(Collections.nCopies(5, StoreFixture.using(Map.of("客户:乙", 1))));

    List<Claim> first = claimAll();
    assertThat(tasks(first)).containsExactly(acme.get(0), acme.get(1), other.get(0), other.get(1));
    assertThat(pools.find("客户").orElseThrow().used()).isEqualTo(4);
    assertThat(pools.find("客户").orElseThrow().waiting()).isEqualTo(6);
    assertThat(pools.holders("客户")).hasSize(4);
    assertThat(f.reasons(acme.get(2))).containsExactly("key_full");

    f.finish(first.get(0), StoreFixture.complete());
    assertThat(tasks(claimAll())).containsExactly(acme.get(2));
  }

  @Test
  void of_thousands_of_keys_no_two_tasks_of_one_run_at_once_and_the_lanes_stay_few() {
    make(Pool.slots("account", 1).withKeys());
    Map<Long, String> keys = new HashMap<>();
    for (int i = 0; i < 1_500; i++) {
      String key = "account:" + i / 3;
      keys.put(submit(key), key);
    }
    assertThat(f.count("select count(*) from lane where pools <> '{}'")).isBetween(200L, 256L);

    int ran = 0;
    while (ran < 1_500) {
      List<Claim> claims = claimAll();
      assertThat(claims.stream().map(claim -> keys.get(claim.task())))
          .isNotEmpty()
          .doesNotHaveDuplicates();
      f.finish(claims, StoreFixture.complete());
      ran += claims.size();
    }
    assertThat(pools.find("account").orElseThrow().used()).isZero();
  }

  @Test
  void two_keys_that_one_task_names_are_both_held() {
    make(Pool.slots("account", 1).withKeys());
    f.submit(StoreFixture.using(Map.of("account:from", 1, "account:to", 1)));
    assertThat(claimAll()).hasSize(1);
    submit("account:from");
    submit("account:to");
    assertThat(claimAll()).isEmpty();
  }

  @Test
  void the_spread_of_keys_is_what_it_was() {
    assertThat(PoolLines.of(Map.of("客户:甲", 1, "db", 2, "a:b:c", 3)))
        .containsExactly(
            Map.entry("a:" + line("b:c"), 3), Map.entry("db", 2), Map.entry("客户:" + line("甲"), 1));
    assertThat(line("acme")).isEqualTo("3e");
  }

  private static String line(String key) {
    return PoolLines.of(Map.of("p:" + key, 1)).firstKey().substring(2);
  }

  @Test
  void a_key_is_named_where_there_are_keys_and_nowhere_else() {
    make(Pool.slots("客户", 1).withKeys());
    make(Pool.slots("db", 1));
    assertThatThrownBy(() -> submit("客户"))
        .isInstanceOf(UnknownName.class)
        .hasMessage("pool '客户' is per key; name it with one, as 客户:KEY");
    assertThatThrownBy(() -> submit("db:a"))
        .hasMessage("pool 'db:a' is not per key; name it as db");
    assertThatThrownBy(() -> submit("客:a"))
        .hasMessageContaining("pool '客:a' does not exist; did you mean '客户'?");
  }

  @Test
  void a_pool_of_a_type_counts_all_of_its_tasks_those_that_wait_already_and_those_that_run() {
    f.submit(5);
    Claim before = f.claimOne(node);
    make(Pool.slots("works", 3).ofType(StoreFixture.TYPE));

    assertThat(pools.find("works").orElseThrow().used()).isEqualTo(1);
    List<Claim> more = claimAll();
    assertThat(more).hasSize(2);
    f.store.queues().create("夜间");
    f.submit(StoreFixture.in("夜间"));
    assertThat(claimAll()).as("another lane of the type").isEmpty();
    f.finish(before, StoreFixture.complete());
    assertThat(claimAll()).hasSize(1);

    pools.edit("works", pool -> pool.withCapacity(4), "ann");
    assertThat(claimAll()).hasSize(1);
    assertThat(pools.delete("works")).isEqualTo(Change.DONE);
    assertThat(claimAll()).as("it may be deleted while tasks run").hasSize(1);
    assertThat(f.count("select count(*) from lane where pools <> '{}'")).isZero();
  }

  @Test
  void tasks_that_name_pools_are_counted_by_their_type_beside_them() {
    make(Pool.slots("llm", 2));
    long task = submit("llm");
    make(Pool.rate("starts", 1, Duration.ofMinutes(1)).ofType(StoreFixture.TYPE));
    submit("llm");

    assertThat(tasks(claimAll())).containsExactly(task);
    assertThat(f.detail(task).pools()).extracting(PoolUse::pool).containsExactly("llm", "starts");
    assertThatThrownBy(() -> submit("starts"))
        .hasMessage("pool 'starts' counts all tasks of type test.work by itself; leave it out");
  }

  @Test
  void a_name_that_tasks_have_named_cannot_count_a_type() {
    make(Pool.slots("llm", 1));
    submit("llm");
    f.finish(claimAll(), new Verdict.Fail(StoreFixture.failure()));
    assertThat(pools.delete("llm")).isEqualTo(Change.DONE);
    assertThatThrownBy(() -> make(Pool.slots("llm", 1).ofType(StoreFixture.TYPE)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pool 'llm': tasks have named a pool of this name");
    assertThatThrownBy(() -> Pool.slots("x", 1).withKeys().ofType("t"))
        .hasMessageContaining("only slots are per key, and not of a type");
    assertThat(pools.find("llm")).isEqualTo(Optional.empty());
  }
}
