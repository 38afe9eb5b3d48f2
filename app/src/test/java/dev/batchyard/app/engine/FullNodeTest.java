package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskViews.Event;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.task.TimeLimits;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A node all of whose slots are held for long, and quick tasks that wait meanwhile. */
@PostgresTest
class FullNodeTest {

  private static final int SLOTS = 4;
  private static final int QUICK = 40;
  private static final Duration SOON = Duration.ofSeconds(20);

  private final TestDatabase database;

  FullNodeTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void it_gives_quick_tasks_back_once_and_their_queue_timeout_fires() throws Exception {
    CountDownLatch hang = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(SLOTS);
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type("t.quick", 500, (p, c) -> Outcome.completed()),
            Nodes.type(
                "t.import",
                1,
                (p, c) -> {
                  begun.countDown();
                  hang.await();
                  return Outcome.completed();
                }))) {
      List<NewTask> imports =
          IntStream.range(0, SLOTS)
              .mapToObj(n -> NewTask.of("t.import", new Nodes.Numbered(n)))
              .toList();
      nodes.submitter().submit(imports);
      nodes.start("a");
      begun.await();
      List<Long> quick =
          nodes
              .submitter()
              .submit(
                  IntStream.range(0, QUICK)
                      .mapToObj(n ->
                          NewTask.of("t.quick", new Nodes.Numbered(n))
                              .withLimits(Limits.NONE.withQueueTimeout(Duration.ofSeconds(2))))
                      .toList())
              .stream()
              .map(Submitted::task)
              .toList();
      await()
          .atMost(SOON)
          .untilAsserted(() ->
              assertThat(database.ask("select count(*) from batchyard.outcome"))
                  .isEqualTo(String.valueOf(QUICK)));
      assertThat(database.ask("select count(*) <= " + QUICK + " from batchyard.attempt_log"))
          .as("each was claimed in vain once at most")
          .isEqualTo("t");
      TaskDetail failed = nodes.client().taskViews().find(quick.getFirst()).orElseThrow();
      assertThat(failed.row().state()).isEqualTo(TaskState.FAILED);
      assertThat(failed.row().problem()).isEqualTo(TimeLimits.QUEUE_TIMEOUT.message());
      assertThat(failed.events()).extracting(Event::to).containsExactly("ready", "failed");
      hang.countDown();
    }
  }
}
