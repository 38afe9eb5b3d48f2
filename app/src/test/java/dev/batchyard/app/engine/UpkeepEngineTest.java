package dev.batchyard.app.engine;

import static org.awaitility.Awaitility.await;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.Rescues;
import dev.batchyard.engine.run.EnginePorts;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What a node does on the side, while a part of it fails for ever. */
@PostgresTest
class UpkeepEngineTest {

  private static final Duration SOON = Duration.ofSeconds(20);

  private final TestDatabase database;
  private final AtomicInteger rescues = new AtomicInteger();

  UpkeepEngineTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void limits_pass_although_a_rescue_fails_for_ever() throws Exception {
    try (Nodes nodes = new Nodes(database, Nodes.type("t.any", 1, (p, c) -> Outcome.completed()))) {
      nodes.submitter().submit(NewTask.of("t.any", new Nodes.Numbered(1)));
      dieWithOne(nodes);
      nodes.start("a", this::failing);
      await().atMost(SOON).until(() -> rescues.get() > 0);
      nodes.client().queues().create("still");
      nodes.client().queues().pause("still", "kim");
      long task =
          nodes
              .submitter()
              .submit(
                  NewTask.of("t.any", new Nodes.Numbered(2))
                      .withQueue("still")
                      .withLimits(Limits.NONE.withQueueTimeout(Duration.ofMillis(300))))
              .task();
      await()
          .atMost(SOON)
          .until(() ->
              nodes.client().taskViews().find(task).orElseThrow().row().state()
                  == TaskState.FAILED);
    }
  }

  /** A node claims a task and is gone: there is something to rescue. */
  private static void dieWithOne(Nodes nodes) {
    UUID boot = UUID.randomUUID();
    var sessions = nodes.client().sessions();
    sessions
        .open(new NodeRegistration(boot, "dead", "localhost", 1, "test", List.of("t.any"), 4))
        .close();
    var _ = nodes.client().claims().claim(boot, UUID.randomUUID(), Map.of("t.any", 1), 1, true);
    sessions.leave(boot);
  }

  private EnginePorts failing(EnginePorts ports) {
    return Ports.with(
        ports,
        Rescues.class,
        () -> {
          throw new IllegalStateException("rescue " + rescues.incrementAndGet());
        });
  }
}
