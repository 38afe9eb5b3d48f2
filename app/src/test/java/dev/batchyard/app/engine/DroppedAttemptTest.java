package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.LeaseLost;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** An attempt that believes its lease lost while it stands, since its neighbours hold it. */
@PostgresTest
class DroppedAttemptTest {

  private final TestDatabase database;
  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicReference<String> leased = new AtomicReference<>("");
  private final CountDownLatch over = new CountDownLatch(1);

  DroppedAttemptTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void its_task_goes_back_while_others_of_its_lease_run_on() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.dropped",
                10,
                (p, c) -> {
                  if (p.number() == 2) {
                    over.await();
                  } else if (calls.incrementAndGet() == 1) {
                    leased.set(
                        database.ask("select string_agg(ids::text, ' ') from batchyard.lease"));
                    throw new LeaseLost(c.lease().task());
                  }
                  return Outcome.completed();
                }))) {
      List<Long> tasks =
          nodes
              .submitter()
              .submit(
                  List.of(
                      NewTask.of("t.dropped", new Nodes.Numbered(1)),
                      NewTask.of("t.dropped", new Nodes.Numbered(2))))
              .stream()
              .map(Submitted::task)
              .toList();
      nodes.start("a");
      await().atMost(Duration.ofSeconds(30)).until(() -> calls.get() == 2);
      assertThat(leased.get())
          .as("one lease")
          .isEqualTo("{[%d,%d)}".formatted(tasks.getFirst(), tasks.getLast() + 1));
      await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> find(nodes, tasks.getFirst()).row().state() == TaskState.COMPLETED);
      TaskDetail neighbour = find(nodes, tasks.getLast());
      assertThat(neighbour.row().state()).isEqualTo(TaskState.RUNNING);
      assertThat(neighbour.row().counters().attempt()).isEqualTo(1);
      over.countDown();
    }
  }

  private static TaskDetail find(Nodes nodes, long task) {
    return nodes.client().taskViews().find(task).orElseThrow();
  }
}
