package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskHandler;
import dev.batchyard.engine.port.Cordons.Change;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Nodes that are drained. */
@PostgresTest
class DrainEngineTest {

  private static final Duration SOON = Duration.ofSeconds(60);

  private final TestDatabase database;

  DrainEngineTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void a_drained_node_hands_over_at_checkpoints_uncharged_and_ends_when_it_is_empty()
      throws Exception {
    AtomicBoolean finish = new AtomicBoolean();
    TaskHandler<Nodes.Numbered> untilAsked =
        (p, c) -> {
          while (!finish.get()) {
            if (c.stopRequested()) {
              return Outcome.stopped();
            }
            boolean _ = new CountDownLatch(1).await(5, TimeUnit.MILLISECONDS);
          }
          return Outcome.completed();
        };
    try (Nodes nodes = new Nodes(database, Nodes.type("t.moves", 1, untilAsked))) {
      Engine old = nodes.start("old");
      List<Long> tasks =
          nodes
              .submitter()
              .submit(
                  List.of(
                      NewTask.of("t.moves", new Nodes.Numbered(1)),
                      NewTask.of("t.moves", new Nodes.Numbered(2))))
              .stream()
              .map(answer -> answer.task())
              .toList();
      await().atMost(SOON).until(() -> held(nodes, "old") == 2);
      assertThat(nodes.client().nodeViews().held("old"))
          .as("what still holds it")
          .extracting(held -> held.task())
          .containsExactlyElementsOf(tasks);

      nodes.start("new");
      assertThat(nodes.client().cordons().drain("old", true, "kim")).isEqualTo(Change.DONE);
      await().atMost(SOON).until(() -> held(nodes, "new") == 2);
      old.drained().get(60, TimeUnit.SECONDS);
      assertThat(held(nodes, "old")).isZero();

      finish.set(true);
      for (long task : tasks) {
        await()
            .atMost(SOON)
            .until(() -> nodes.client().taskViews().find(task).orElseThrow().row().state().ended());
        assertThat(nodes.client().taskViews().find(task).orElseThrow().row().counters().failures())
            .as("handing over costs no retry")
            .isZero();
      }
    }
  }

  @Test
  void a_node_that_is_only_cordoned_finishes_what_it_has_and_takes_nothing_new() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicBoolean asked = new AtomicBoolean();
    TaskHandler<Nodes.Numbered> handler =
        (p, c) -> {
          assertThat(go.await(60, TimeUnit.SECONDS)).isTrue();
          asked.set(c.stopRequested());
          return Outcome.completed();
        };
    try (Nodes nodes = new Nodes(database, Nodes.type("t.stays", 1, handler))) {
      Engine node = nodes.start("alone");
      long first = nodes.submitter().submit(NewTask.of("t.stays", new Nodes.Numbered(1))).task();
      await().atMost(SOON).until(() -> held(nodes, "alone") == 1);
      nodes.client().cordons().cordon("alone", "kim");
      long second = nodes.submitter().submit(NewTask.of("t.stays", new Nodes.Numbered(2))).task();
      go.countDown();
      await()
          .atMost(SOON)
          .until(() -> nodes.client().taskViews().find(first).orElseThrow().row().state().ended());
      assertThat(asked).isFalse();
      assertThat(node.held()).doesNotContain(second);
      assertThat(node.drained()).isNotDone();
      nodes.client().cordons().uncordon("alone");
      await()
          .atMost(SOON)
          .until(() -> nodes.client().taskViews().find(second).orElseThrow().row().state().ended());
    }
  }

  private static long held(Nodes nodes, String name) {
    return nodes.client().nodeViews().nodes().stream()
        .filter(row -> row.alive() && row.name().equals(name))
        .mapToLong(NodeRow::running)
        .sum();
  }
}
