package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Pools.Change;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.Pools.PoolRow;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Many who claim of the same pools at once. */
@PostgresTest
class PoolRaceTest {

  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  private static final List<String> NAMES = List.of("a", "b", "c", "d", "e");
  private static final int NODES = 4;
  private static final int TASKS = 600;

  private final StoreFixture f;
  private final Pools pools;

  PoolRaceTest(TestDatabase test) {
    f = new StoreFixture(test);
    pools = f.store.pools();
  }

  @AfterEach
  void close() {
    f.close();
  }

  private TaskDraft draft(Random random) {
    List<String> names = new ArrayList<>(NAMES);
    Collections.shuffle(names, random);
    Map<String, Integer> uses = new HashMap<>();
    names.subList(0, 3).forEach(name -> uses.put(name, 1 + random.nextInt(2)));
    return StoreFixture.using(uses);
  }

  @Test
  void four_that_claim_three_pools_each_neither_deadlock_nor_overrun_a_pool() throws Exception {
    Random random = new Random(SEED);
    for (int i = 0; i < NAMES.size(); i++) {
      assertThat(pools.create(Pool.slots(NAMES.get(i), 2 + i), "ann")).isEqualTo(Change.DONE);
    }
    List<TaskDraft> drafts = new ArrayList<>();
    for (int i = 0; i < TASKS; i++) {
      drafts.add(draft(random));
    }
    f.submit(drafts);
    long deadlocks = deadlocks();

    Queue<String> overruns = new ConcurrentLinkedQueue<>();
    List<Future<Integer>> ran = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(NODES)) {
      for (int n = 0; n < NODES; n++) {
        UUID boot = f.node();
        Random own = new Random(random.nextLong());
        ran.add(threads.submit(() -> work(boot, own, overruns)));
      }
      threads.shutdown();
      assertThat(threads.awaitTermination(2, TimeUnit.MINUTES)).as("seed %d", SEED).isTrue();
    }

    int all = 0;
    for (Future<Integer> each : ran) {
      all += each.get();
    }
    assertThat(overruns).as("seed %d", SEED).isEmpty();
    assertThat(all).as("seed %d", SEED).isEqualTo(TASKS);
    assertThat(f.count("select count(*) from outcome")).isEqualTo(TASKS);
    assertThat(pools.list()).allMatch(pool -> pool.used() == 0);
    assertThat(deadlocks()).as("seed %d", SEED).isEqualTo(deadlocks);
  }

  /** Claims, looks, and ends some of what it holds, until all has ended. */
  private int work(UUID boot, Random random, Queue<String> overruns) {
    Claims claims = f.store.claims(); // one of its own, as another process has
    List<Claim> held = new ArrayList<>();
    int ran = 0;
    while (f.count("select count(*) from outcome") < TASKS) {
      held.addAll(
          claims.claim(
              boot,
              new UUID(random.nextLong(), random.nextLong()),
              Map.of(StoreFixture.TYPE, 500),
              1 + random.nextInt(4),
              true));
      for (PoolRow row : pools.list()) {
        if (row.used() > row.pool().capacity()) {
          overruns.add(row.toString());
        }
      }
      Collections.shuffle(held, random);
      List<Claim> over = List.copyOf(held.subList(0, Math.min(held.size(), random.nextInt(4))));
      f.finish(over, StoreFixture.complete());
      held.removeAll(over);
      ran += over.size();
    }
    return ran;
  }

  private long deadlocks() {
    return f.count("select deadlocks from pg_stat_database where datname = current_database()");
  }
}
