package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Waiting makes a task more urgent: whoever is least urgent is not starved by the most urgent. */
@PostgresTest
class AgeingTest {

  private static final Duration STEP = Duration.ofSeconds(1);
  private static final Duration TICK = Duration.ofMillis(100);
  private static final int SERVED_A_TICK = 12;
  private static final int ARRIVING_A_TICK = 18;
  private static final int LEAST_URGENT = 7;

  private StoreFixture f;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    node = f.node();
    f.store.queues().ageStep("default", STEP);
  }

  @AfterEach
  void close() {
    f.close();
  }

  @ParameterizedTest(name = "batches of {0}, {1} types")
  @CsvSource({"1, 1", "12, 1", "3, 20"})
  void the_least_urgent_task_starts_in_time_under_one_and_a_half_times_what_is_served(
      int batch, int urgentTypes) {
    Map<String, Integer> served = types(urgentTypes);
    long patient = f.submit(draft(StoreFixture.TYPE, LEAST_URGENT));
    // what is ahead of it: everything urgent that comes within 7 steps, at the pace of service
    Duration bound = STEP.multipliedBy(LEAST_URGENT * 3).dividedBy(2).plus(time(batch));
    Instant begun = f.now;
    while (!tick(served, batch, urgentTypes).contains(patient)) {
      assertThat(Duration.between(begun, f.now)).isLessThanOrEqualTo(bound);
      f.pass(TICK);
    }
    assertThat(Duration.between(begun, f.now))
        .as("and not before those that are more urgent by its seven steps")
        .isBetween(STEP.multipliedBy(LEAST_URGENT), bound);
  }

  @Test
  void every_priority_waits_its_own_steps_and_no_more() {
    Map<String, Integer> served = types(1);
    List<Long> waiting =
        IntStream.rangeClosed(1, LEAST_URGENT)
            .mapToObj(priority -> f.submit(draft(StoreFixture.TYPE, priority)))
            .toList();
    Map<Integer, Duration> started = new TreeMap<>();
    Instant begun = f.now;
    while (started.size() < LEAST_URGENT) {
      for (long task : tick(served, SERVED_A_TICK, 1)) {
        int priority = waiting.indexOf(task) + 1;
        if (priority > 0) {
          started.put(priority, Duration.between(begun, f.now));
        }
      }
      f.pass(TICK);
      assertThat(f.now).isBefore(begun.plusSeconds(20));
    }
    started.forEach((priority, after) ->
        assertThat(after)
            .as("priority %d", priority)
            .isLessThanOrEqualTo(
                STEP.multipliedBy(priority * 3L)
                    .dividedBy(2)
                    // the others of this test that are before it, and one batch
                    .plus(time(LEAST_URGENT + SERVED_A_TICK))));
  }

  /** One tick of arrivals and of service by several claims; {@return what started} */
  private List<Long> tick(Map<String, Integer> served, int batch, int urgentTypes) {
    List<TaskDraft> arriving =
        IntStream.range(0, ARRIVING_A_TICK)
            .mapToObj(n -> draft("test.urgent" + f.random.nextInt(urgentTypes), 0))
            .toList();
    var _ = f.store.submissions().submit(arriving);
    List<Long> started = new java.util.ArrayList<>();
    while (started.size() < SERVED_A_TICK) {
      UUID token = new UUID(f.random.nextLong(), f.random.nextLong());
      int wanted = Math.min(batch, SERVED_A_TICK - started.size());
      List<Claim> claims = f.store.claims().claim(node, token, served, wanted, false);
      assertThat(claims).as("more comes than is served").isNotEmpty();
      claims.forEach(claim -> started.add(claim.task()));
      f.finish(claims, StoreFixture.complete());
    }
    return started;
  }

  /** How long so many tasks take. */
  private static Duration time(int tasks) {
    return TICK.multipliedBy(tasks).dividedBy(SERVED_A_TICK).plus(TICK);
  }

  private static Map<String, Integer> types(int urgent) {
    Map<String, Integer> types = new TreeMap<>(Map.of(StoreFixture.TYPE, 500));
    IntStream.range(0, urgent).forEach(n -> types.put("test.urgent" + n, 500));
    return types;
  }

  private static TaskDraft draft(String type, int priority) {
    return new TaskDraft(
        type,
        "{}",
        "",
        "default",
        priority,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        "default");
  }
}
