package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.Part;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.port.Batches.Batch;
import dev.batchyard.engine.port.Broadcasts.OfNode;
import dev.batchyard.engine.port.Broadcasts.Sent;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/** One task for each node. */
@PostgresTest
final class BroadcastEngineTest {

  private static final Duration SOON = Duration.ofSeconds(20);

  private final TestDatabase database;
  private final Map<Long, Part> parts = new ConcurrentHashMap<>();
  private final TaskType<Nodes.Numbered> type =
      Nodes.type(
          "t.everywhere",
          1,
          (p, c) -> {
            parts.put(c.lease().task(), c.part());
            return Outcome.completed();
          });

  BroadcastEngineTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void each_node_that_lives_and_is_not_cordoned_runs_one_and_knows_which() throws Exception {
    try (Nodes nodes = new Nodes(database, type)) {
      for (String name : new String[] {"node-a", "node-b", "node-c", "node-d"}) {
        nodes.start(name);
        await().atMost(SOON).until(() -> lives(nodes, name));
      }
      nodes.client().cordons().cordon("node-d", "kim");
      Sent sent = send(nodes, task());
      assertThat(sent.tasks())
          .extracting(OfNode::node)
          .containsExactly("node-a", "node-b", "node-c");
      await().atMost(SOON).until(() -> batch(nodes, sent).ended().isPresent());
      for (int i = 0; i < 3; i++) {
        OfNode each = sent.tasks().get(i);
        TaskDetail detail = nodes.client().taskViews().find(each.task()).orElseThrow();
        assertThat(detail.row().state()).isEqualTo(TaskState.COMPLETED);
        assertThat(detail.attempts().getFirst().node()).contains(each.node());
        assertThat(parts).containsEntry(each.task(), new Part(i, 3));
      }
    }
  }

  @Test
  void a_node_that_is_gone_finds_its_task_when_it_is_back_and_else_it_fails() throws Exception {
    try (Nodes nodes = new Nodes(database, type)) {
      nodes.start("stays");
      Engine goes = nodes.start("goes");
      await().atMost(SOON).until(() -> lives(nodes, "stays") && lives(nodes, "goes"));
      nodes.client().queues().pause("default", "kim");
      Sent waits = send(nodes, task());
      Sent fails =
          nodes
              .client()
              .broadcasts()
              .submit(
                  nodes
                      .submitter()
                      .draft(
                          task()
                              .withLimits(task().limits().withQueueTimeout(Duration.ofMillis(1)))));
      goes.close();
      nodes.client().queues().resume("default");
      await().atMost(SOON).until(() -> batch(nodes, waits).live() == 1);
      await().atMost(SOON).until(() -> batch(nodes, fails).ended().isPresent());
      assertThat(batch(nodes, fails).failed()).isGreaterThan(0);
      long left = waits.tasks().getFirst().task();
      assertThat(waits.tasks().getFirst().node()).isEqualTo("goes");
      assertThat(nodes.client().taskViews().find(left).orElseThrow().row().state())
          .isEqualTo(TaskState.READY);

      nodes.start("goes");
      await().atMost(SOON).until(() -> batch(nodes, waits).completed() == 2);
    }
  }

  @Test
  void nobody_to_run_it_is_told() throws Exception {
    try (Nodes nodes = new Nodes(database, type)) {
      assertThatThrownBy(() -> send(nodes, task()))
          .isInstanceOf(InvalidParameters.class)
          .hasMessageContaining("no live node");
      assertThatThrownBy(() -> send(nodes, task().withKey("k")))
          .isInstanceOf(InvalidParameters.class)
          .hasMessageContaining("no keys");
    }
  }

  private static NewTask task() {
    return NewTask.of("t.everywhere", new Nodes.Numbered(1));
  }

  private static Sent send(Nodes nodes, NewTask task) {
    return nodes.client().broadcasts().submit(nodes.submitter().draft(task));
  }

  private static boolean lives(Nodes nodes, String name) {
    return nodes.client().nodeViews().nodes().stream()
        .anyMatch(node -> node.name().equals(name) && node.alive());
  }

  private static Batch batch(Nodes nodes, Sent sent) {
    return nodes.client().batches().find(sent.batch()).orElseThrow();
  }
}
