package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Pools.Change;
import dev.batchyard.engine.port.Pools.Kind;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.Pools.PoolRow;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pools whose units are spent by starts: rates and budgets. */
@PostgresTest
class RatesTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration DAY = Duration.ofDays(1);

  private final StoreFixture f;
  private final Pools pools;
  private UUID node = new UUID(0, 0);

  RatesTest(TestDatabase test) {
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

  private void budget(String name, long capacity, Optional<Duration> period) {
    make(new Pool(name, Kind.BUDGET, capacity, period));
  }

  private void submit(int count, Map<String, Integer> uses) {
    f.submit(Collections.nCopies(count, StoreFixture.using(uses)));
  }

  private PoolRow row(String pool) {
    return pools.find(pool).orElseThrow();
  }

  /** Claims what may start at an instant; what was passed over before is looked at again. */
  private int start(UUID boot) {
    f.passNothingOver();
    List<Claim> claims = f.claim(boot, 500);
    f.finish(claims, StoreFixture.complete());
    return claims.size();
  }

  @Test
  void of_a_rate_no_more_starts_within_a_period_than_it_says_however_short_the_tasks_are() {
    make(Pool.rate("api", 3, MINUTE));
    submit(10, Map.of("api", 1));

    assertThat(start(node)).isEqualTo(3);
    f.pass(Duration.ofSeconds(59));
    assertThat(start(node)).isZero();
    assertThat(f.store.claims().again())
        .hasValueSatisfying(span -> assertThat(span).isLessThan(Duration.ofMillis(2_300)));
    f.pass(Duration.ofMillis(2_300)); // a period and a fiftieth of it
    assertThat(start(node)).isEqualTo(3);
    assertThat(row("api").used()).isEqualTo(3);
  }

  @Test
  void at_random_moments_no_window_of_a_period_holds_more_starts_than_the_rate() {
    make(Pool.rate("api", 20, Duration.ofSeconds(10)));
    submit(1_000, Map.of("api", 1));
    submit(1_000, Map.of("api", 1));
    Random random = new Random(11);
    List<Instant> starts = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      f.pass(Duration.ofMillis(random.nextInt(1_500)));
      starts.addAll(Collections.nCopies(start(node), f.now));
    }

    assertThat(starts).hasSizeGreaterThan(150);
    for (Instant from : starts) {
      Instant to = from.plusSeconds(10);
      assertThat(starts.stream().filter(at -> !at.isBefore(from) && at.isBefore(to)).count())
          .as("from %s on", from)
          .isLessThanOrEqualTo(20);
    }
    assertThat(f.count("select count(*) from pool_spent")).isLessThanOrEqualTo(102);
  }

  @Test
  void a_rate_has_room_again_for_a_task_only_when_it_has_for_all_that_it_uses() {
    make(Pool.rate("tokens", 1_000, MINUTE));
    submit(3, Map.of("tokens", 400));

    assertThat(start(node)).isEqualTo(2);
    f.pass(Duration.ofSeconds(62));
    assertThat(start(node)).isEqualTo(1);
  }

  @Test
  void a_budget_begins_anew_with_each_period() {
    budget("cny", 10, Optional.of(DAY));
    submit(9, Map.of("cny", 4));

    assertThat(start(node)).isEqualTo(2);
    assertThat(row("cny").used()).isEqualTo(8);
    assertThat(row("cny").again()).contains(StoreFixture.START.plus(DAY));
    f.pass(DAY.minusMillis(1));
    assertThat(start(node)).isZero();
    f.pass(Duration.ofMillis(1));
    assertThat(row("cny").used()).isZero();
    assertThat(start(node)).isEqualTo(2);
    f.pass(DAY.multipliedBy(9));
    assertThat(start(node)).isEqualTo(2);
    assertThat(f.count("select count(*) from pool_spent")).isEqualTo(1);
  }

  @Test
  void a_budget_without_a_period_lasts_until_a_person_refills_it() {
    budget("cny", 5, Optional.empty());
    submit(20, Map.of("cny", 1));

    assertThat(start(node)).isEqualTo(5);
    f.pass(DAY.multipliedBy(400));
    assertThat(start(node)).isZero();
    assertThat(row("cny").again()).isEmpty();

    assertThat(pools.refill("cny", "bob")).isEqualTo(Change.DONE);
    assertThat(row("cny").used()).isZero();
    assertThat(pools.refill("cny", "bob")).isEqualTo(Change.ALREADY);
    assertThat(start(node)).isEqualTo(5);

    pools.edit("cny", pool -> pool.withCapacity(7), "bob");
    assertThat(start(node)).isEqualTo(2);
  }

  @Test
  void a_task_takes_slots_rate_and_budget_all_at_once_and_spends_nothing_while_it_waits() {
    make(Pool.slots("llm", 1));
    make(Pool.rate("api", 5, MINUTE));
    budget("cny", 100, Optional.empty());
    submit(4, Map.of("llm", 1, "api", 1, "cny", 30));

    List<Claim> first = f.claim(node, 8);
    assertThat(first).hasSize(1);
    f.passNothingOver();
    assertThat(f.claim(node, 8)).isEmpty();
    assertThat(row("api").used()).isEqualTo(1);
    assertThat(row("cny").used()).isEqualTo(30);

    f.finish(first, StoreFixture.complete());
    assertThat(start(node)).isEqualTo(1);
    assertThat(start(node)).isEqualTo(1);
    assertThat(start(node)).as("10 of the budget are left").isZero();
    assertThat(row("api").used()).isEqualTo(3);
    assertThat(row("cny").used()).isEqualTo(90);
  }

  @Test
  void what_was_spent_stays_spent_when_the_attempt_did_not_complete() {
    budget("cny", 2, Optional.empty());
    submit(1, Map.of("cny", 1));
    UUID dying = f.node();
    f.claimOne(dying);
    f.kill(dying);

    assertThat(start(node)).isEqualTo(1);
    assertThat(row("cny").used()).isEqualTo(2);
  }
}
