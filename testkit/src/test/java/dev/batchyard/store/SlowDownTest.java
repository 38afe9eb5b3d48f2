package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.LeaseLost;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Pools.Kind;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pools that give less for a while because a handler was told to come again later. */
@PostgresTest
class SlowDownTest {

  private static final Duration FIVE = Duration.ofSeconds(5);

  private final StoreFixture f;
  private final Pools pools;
  private UUID node = new UUID(0, 0);

  SlowDownTest(TestDatabase test) {
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
    pools.create(pool, "ann");
  }

  private void submit(int count, Map<String, Integer> uses) {
    f.submit(Collections.nCopies(count, StoreFixture.using(uses)));
  }

  private List<Claim> claim() {
    f.passNothingOver();
    return f.claim(node, 100);
  }

  private long has(String pool) {
    return pools.find(pool).orElseThrow().now();
  }

  private static LeaseToken token(Claim claim) {
    return new LeaseToken(claim.task(), claim.counters().attempt(), claim.token());
  }

  private void slowDown(Claim claim, Optional<String> pool, Duration retryAfter) {
    f.store.steps().slowDown(token(claim), pool, retryAfter);
  }

  private void slowDown(Claim claim) {
    slowDown(claim, Optional.empty(), FIVE);
  }

  @Test
  void
      nothing_starts_until_it_may_be_asked_again_then_half_as_much_and_a_step_more_each_ten_seconds() {
    make(Pool.slots("llm", 40));
    submit(100, Map.of("llm", 1));
    Claim told = f.claimOne(node);
    slowDown(told);

    f.pass(FIVE.minusMillis(1));
    assertThat(claim()).isEmpty();
    assertThat(has("llm")).isZero();
    assertThat(pools.find("llm").orElseThrow().again()).contains(StoreFixture.START.plus(FIVE));
    f.pass(Duration.ofMillis(1));
    assertThat(claim()).as("half of 40, and one runs").hasSize(19);
    f.pass(Duration.ofMillis(9_999));
    assertThat(claim()).isEmpty();
    f.pass(Duration.ofMillis(1));
    assertThat(claim()).as("a twentieth more").hasSize(2);
    f.pass(Duration.ofSeconds(90));
    assertThat(claim()).hasSize(18);
    f.pass(Duration.ofDays(1));
    assertThat(has("llm")).as("never more than it was given").isEqualTo(40);
  }

  @Test
  void those_that_are_told_the_same_while_it_rests_count_as_one() {
    make(Pool.slots("llm", 8));
    submit(20, Map.of("llm", 1));
    List<Claim> running = claim();
    assertThat(running).hasSize(8);
    running.forEach(this::slowDown);
    f.pass(Duration.ofSeconds(4));
    slowDown(running.getFirst()); // it rests until nine seconds now

    f.pass(Duration.ofMillis(4_999));
    assertThat(has("llm")).isZero();
    f.pass(Duration.ofMillis(1));
    assertThat(has("llm")).isEqualTo(4);
    slowDown(running.getFirst());
    f.pass(FIVE);
    assertThat(has("llm")).as("told again after it had begun again").isEqualTo(2);
  }

  @Test
  void at_least_one_unit_is_left_and_it_grows_by_one_at_least() {
    make(Pool.slots("llm", 2));
    submit(1, Map.of("llm", 1));
    Claim told = f.claimOne(node);
    for (int i = 0; i < 3; i++) {
      slowDown(told, Optional.empty(), Duration.ZERO);
      f.pass(Duration.ofSeconds(1)); // it rests for a second at least
      assertThat(has("llm")).isEqualTo(1);
    }
    f.pass(Duration.ofSeconds(10));
    assertThat(has("llm")).isEqualTo(2);
  }

  @Test
  void a_rate_is_slowed_down_likewise() {
    make(Pool.rate("api", 10, Duration.ofSeconds(1)));
    submit(50, Map.of("api", 1));
    List<Claim> told = claim();
    assertThat(told).hasSize(10);
    slowDown(told.getFirst());
    f.pass(FIVE);
    assertThat(claim()).hasSize(5);
  }

  @Test
  void who_uses_several_names_the_one_and_a_budget_is_never_slowed_down() {
    make(Pool.slots("llm", 4));
    make(Pool.rate("api", 4, FIVE));
    make(new Pool("cny", Kind.BUDGET, 100, Optional.empty()));
    submit(1, Map.of("llm", 1, "api", 1, "cny", 1));
    Claim told = f.claimOne(node);

    assertThatThrownBy(() -> slowDown(told))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("uses api, llm; name the one");
    assertThatThrownBy(() -> slowDown(told, Optional.of("cny"), FIVE))
        .hasMessageContaining("pool 'cny': task %d uses no slots".formatted(told.task()));
    slowDown(told, Optional.of("llm"), FIVE);
    assertThat(has("llm")).isZero();
    assertThat(has("api")).isEqualTo(4);
    assertThat(has("cny")).isEqualTo(100);
  }

  @Test
  void a_person_who_sets_it_ends_the_rest() {
    make(Pool.slots("llm", 4));
    submit(4, Map.of("llm", 1));
    slowDown(f.claimOne(node));
    assertThat(pools.edit("llm", pool -> pool, "bob")).isEqualTo(Pools.Change.DONE);
    assertThat(has("llm")).isEqualTo(4);
    assertThat(claim()).hasSize(3);
  }

  @Test
  void who_has_lost_the_task_slows_nothing_down() {
    make(Pool.slots("llm", 4));
    submit(1, Map.of("llm", 1));
    Claim lost = f.claimOne(node);
    f.kill(node);
    assertThatThrownBy(() -> slowDown(lost)).isInstanceOf(LeaseLost.class);
    assertThat(has("llm")).isEqualTo(4);
  }
}
