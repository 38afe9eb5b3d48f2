package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Pools on whole nodes. */
@PostgresTest
class PoolsEngineTest {

  private static final Duration SOON = Duration.ofSeconds(20);

  /** Nodes of such leases poll twice a second: what goes on sooner does not wait for that. */
  private static final Duration LEASE = Duration.ofSeconds(10);

  private final TestDatabase database;

  PoolsEngineTest(TestDatabase database) {
    this.database = database;
  }

  private static List<NewTask> tasks(int count, String pool) {
    return IntStream.range(0, count)
        .mapToObj(n -> NewTask.of("t.pooled", new Nodes.Numbered(n)).withPool(pool))
        .toList();
  }

  /** Outcomes of tasks of a pool: the tests share a database. */
  private static String of(String pool) {
    return " from batchyard.outcome where lane in (select id from batchyard.lane where '%s' = any (pools))"
        .formatted(pool);
  }

  private void awaitEnded(int count, String pool) {
    await()
        .atMost(SOON)
        .until(() -> database.ask("select count(*)" + of(pool)).equals(String.valueOf(count)));
  }

  @Test
  void quick_tasks_of_a_pool_of_one_follow_each_other_without_a_pause_and_never_two_at_once()
      throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    try (Nodes nodes =
        new Nodes(
            database::database,
            LEASE,
            Nodes.type(
                "t.pooled",
                500,
                (p, c) -> {
                  most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                  inside.decrementAndGet();
                  return Outcome.completed();
                }))) {
      nodes.client().pools().create(Pool.slots("one", 1), "ann");
      nodes.start("a");
      nodes.start("b");
      nodes.submitter().submit(tasks(100, "one"));
      awaitEnded(100, "one");
      assertThat(most).hasValue(1);
      assertThat(
              database.ask(
                  "select max(finished_at) - min(started_at) < interval '10 s'" + of("one")))
          .isEqualTo("t");
      assertThat(nodes.client().pools().find("one").orElseThrow().used()).isZero();
    }
  }

  @Test
  void a_rate_goes_on_by_time_alone_without_a_poll() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database::database,
            LEASE,
            Nodes.type("t.pooled", 500, (p, c) -> Outcome.completed()))) {
      nodes.client().pools().create(Pool.rate("api", 4, Duration.ofMillis(200)), "ann");
      nodes.start("a");
      nodes.submitter().submit(tasks(40, "api"));
      awaitEnded(40, "api");
      assertThat(
              database.ask(
                  "select max(started_at) - min(started_at) between interval '1.5 s' and interval '4.5 s'"
                      + of("api")))
          .isEqualTo("t");
    }
  }

  @Test
  void a_handler_that_is_told_to_come_again_later_slows_its_pool_down() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicBoolean told = new AtomicBoolean();
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.pooled",
                1,
                (p, c) -> {
                  if (told.compareAndSet(false, true)) {
                    c.slowDown(Duration.ofMinutes(5));
                  }
                  go.await();
                  return Outcome.completed();
                }))) {
      nodes.client().pools().create(Pool.slots("llm", 4), "ann");
      nodes.start("a");
      nodes.submitter().submit(tasks(1, "llm"));
      await().atMost(SOON).until(() -> nodes.client().pools().find("llm").orElseThrow().now() == 0);
      nodes.submitter().submit(tasks(3, "llm"));
      go.countDown();
      awaitEnded(1, "llm");
      assertThat(nodes.client().pools().find("llm").orElseThrow().waiting()).isEqualTo(3);

      nodes.client().pools().edit("llm", pool -> pool, "ann");
      awaitEnded(4, "llm");
    }
  }
}
