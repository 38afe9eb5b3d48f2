package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.Progress;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Tasks whose node died while they ran, on nodes that have other things to do. */
@PostgresTest
class SuspectEngineTest {

  private static final Duration SOON = Duration.ofSeconds(30);
  private static final int CHAINS = 3;

  private final TestDatabase database;
  private final CountDownLatch over = new CountDownLatch(1);
  private final Set<Integer> running = ConcurrentHashMap.newKeySet();

  SuspectEngineTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void one_whose_node_died_once_runs_beside_others() throws Exception {
    try (Nodes nodes = new Nodes(database, Nodes.type("t.once", 1, (p, c) -> hold(p.number())))) {
      long suspect = suspect(nodes, "t.once", 1, 1);
      long other = suspect(nodes, "t.once", 2, 1);
      var _ = submit(nodes, "t.once", 3);
      nodes.start("busy");
      await().atMost(SOON).until(() -> running.contains(1) && running.contains(3));
      assertThat(running).as("one suspect at a time").doesNotContain(2);
      over.countDown();
      await().atMost(SOON).until(() -> ended(nodes, suspect) && ended(nodes, other));
    }
  }

  @Test
  void one_that_runs_alone_lets_others_come_when_it_moves() throws Exception {
    CountDownLatch moves = new CountDownLatch(1);
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.moves",
                1,
                (p, c) -> {
                  if (p.number() == 1) {
                    running.add(1);
                    moves.await();
                    c.progress(new Progress(1, -1));
                  }
                  return hold(p.number());
                }))) {
      var _ = suspect(nodes, "t.moves", 1, 2);
      nodes.start("alone");
      await().atMost(SOON).until(() -> running.contains(1));
      var _ = submit(nodes, "t.moves", 2);
      moves.countDown();
      await().atMost(SOON).until(() -> running.contains(2));
      over.countDown();
    }
  }

  @Test
  void a_node_that_is_never_idle_makes_room_for_one_that_must_run_alone() throws Exception {
    AtomicReference<Nodes> all = new AtomicReference<>();
    AtomicInteger live = new AtomicInteger();
    AtomicInteger withSuspect = new AtomicInteger();
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.chain",
                1,
                (p, c) -> {
                  int now = live.incrementAndGet();
                  try {
                    if (p.number() == 0) {
                      withSuspect.set(now);
                      over.countDown();
                    } else if (over.getCount() > 0) {
                      var _ = submit(all.get(), "t.chain", p.number());
                      boolean _ = over.await(40, TimeUnit.MILLISECONDS);
                    }
                  } finally {
                    live.decrementAndGet();
                  }
                  return Outcome.completed();
                }))) {
      all.set(nodes);
      long suspect = suspect(nodes, "t.chain", 0, 2);
      for (int chain = 1; chain <= CHAINS; chain++) {
        var _ = submit(nodes, "t.chain", chain);
      }
      database.execute("update batchyard.block set due_at = due_at + interval '1 h' where whole");
      nodes.start("busy");
      await().atMost(SOON).until(() -> live.get() > 0);
      database.execute("update batchyard.block set due_at = due_at - interval '1 h' where whole");
      await().atMost(SOON).until(() -> ended(nodes, suspect));
      assertThat(withSuspect).as("it ran alone").hasValue(1);
    }
  }

  private Outcome hold(int number) throws InterruptedException {
    running.add(number);
    over.await();
    return Outcome.completed();
  }

  private static long submit(Nodes nodes, String type, int number) {
    return nodes.submitter().submit(NewTask.of(type, new Nodes.Numbered(number))).task();
  }

  /** A task under which so many nodes have died. */
  private long suspect(Nodes nodes, String type, int number, int deaths) throws SQLException {
    long task = submit(nodes, type, number);
    for (int death = 1; death <= deaths; death++) {
      UUID boot = UUID.randomUUID();
      var client = nodes.client();
      client
          .sessions()
          .open(new NodeRegistration(boot, "dead", "localhost", 1, "test", List.of(type), 4))
          .close();
      assertThat(client.claims().claim(boot, UUID.randomUUID(), Map.of(type, 1), 1, death > 1))
          .extracting(claim -> claim.task())
          .containsExactly(task);
      database.execute(
          "update batchyard.node set fenced_at = now(), fenced_why = 'killed' where boot = '%s'"
              .formatted(boot));
      assertThat(client.rescues().rescue()).isEqualTo(1);
    }
    return task;
  }

  private static boolean ended(Nodes nodes, long task) {
    return nodes.client().taskViews().find(task).orElseThrow().row().state() == TaskState.COMPLETED;
  }
}
