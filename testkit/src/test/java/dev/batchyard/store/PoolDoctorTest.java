package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor.Found;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the doctor finds about pools. */
@PostgresTest
class PoolDoctorTest {

  private final StoreFixture f;
  private UUID node = new UUID(0, 0);

  PoolDoctorTest(TestDatabase test) {
    f = new StoreFixture(test);
  }

  @BeforeEach
  void register() {
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  private List<String> found() {
    return f.store.doctor().look(Check.POOLS, 100).found().stream().map(Found::detail).toList();
  }

  private void make(Pool pool) {
    f.store.pools().create(pool, "ann");
    f.pass(Duration.ofMillis(1));
  }

  @Test
  void full_pools_and_those_that_were_made_smaller_are_fine() {
    make(Pool.slots("llm", 2));
    make(Pool.rate("api", 2, Duration.ofMinutes(1)));
    f.submit(Collections.nCopies(5, StoreFixture.using(Map.of("llm", 1, "api", 1))));
    assertThat(f.claim(node, 8)).hasSize(2);
    f.pass(Duration.ofMillis(1));
    f.store.pools().edit("llm", pool -> pool.withCapacity(1), "ann");
    f.store.pools().edit("api", pool -> pool.withCapacity(1), "ann");

    assertThat(f.store.pools().find("llm").orElseThrow().used()).isEqualTo(2);
    assertThat(found()).isEmpty();
  }

  @Test
  void slots_that_more_is_in_use_of_than_there_are_are_found() {
    make(Pool.slots("llm", 3));
    f.submit(Collections.nCopies(3, StoreFixture.using(Map.of("llm", 1))));
    f.claim(node, 8);
    f.sql("update pool set capacity = 2");

    assertThat(found())
        .containsExactly("3 units are in use of tasks claimed since its capacity was set to 2");
  }

  @Test
  void a_rate_that_was_passed_is_found() {
    make(Pool.rate("api", 3, Duration.ofSeconds(1)));
    f.pass(Duration.ofMinutes(1));
    f.submit(Collections.nCopies(3, StoreFixture.using(Map.of("api", 1))));
    f.claim(node, 8);
    f.sql("update pool set capacity = 2");

    assertThat(found()).containsExactly("3 units were spent and its capacity is 2");
  }

  @Test
  void a_task_that_waits_for_a_pool_that_is_gone_or_too_small_is_found() {
    make(Pool.slots("llm", 1));
    long task = f.submit(StoreFixture.using(Map.of("llm", 1)));
    f.finish(f.claim(node, 1), new Verdict.Fail(StoreFixture.failure()));
    f.store.pools().delete("llm");
    assertThat(found()).as("nothing waits for it").isEmpty();

    f.store.operatorMoves().rerun(task, "ann");
    assertThat(found())
        .containsExactly("task %d waits for it, and there is none of this name".formatted(task));

    make(Pool.slots("llm", 1));
    long large = f.submit(StoreFixture.using(Map.of("llm", 2)));
    assertThat(found())
        .containsExactly("task %d uses 2 units of it, and its capacity is 1".formatted(large));
  }
}
