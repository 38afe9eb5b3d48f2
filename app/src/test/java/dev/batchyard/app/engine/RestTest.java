package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A node that has nothing to do sends beats only, and goes on when there is something. */
@PostgresTest
class RestTest {

  private static final long SOON_S = 20;

  private final TestDatabase database;

  RestTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void a_resting_node_starts_a_task_when_it_is_due() throws Exception {
    CompletableFuture<Instant> started = new CompletableFuture<>();
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.later",
                1,
                (p, c) -> {
                  started.complete(Instant.now());
                  return Outcome.completed();
                }))) {
      nodes.start("a");
      // it rests after two beats, which are a fifth of a second here, and nobody wakes it
      Instant due = Instant.now().plus(Nodes.LEASE.multipliedBy(2));
      nodes.submitter().submit(NewTask.of("t.later", new Nodes.Numbered(1)).withDue(due));
      assertThat(started.get(SOON_S, TimeUnit.SECONDS))
          .isBetween(due.minusMillis(1), due.plus(Nodes.LEASE));
    }
  }

  @Test
  void a_resting_node_gives_back_what_it_owns_without_knowing_it() throws Exception {
    try (Nodes nodes = new Nodes(database, Nodes.type("t.mine", 1, (p, c) -> Outcome.completed()));
        Nodes others =
            new Nodes(database, Nodes.type("t.others", 1, (p, c) -> Outcome.completed()))) {
      Engine engine = nodes.start("a");
      others.submitter().submit(NewTask.of("t.others", new Nodes.Numbered(1)));
      await().atMost(Duration.ofSeconds(SOON_S)).until(() -> serves(nodes, engine.boot()));
      List<Claim> unknown =
          others
              .client()
              .claims()
              .claim(engine.boot(), UUID.randomUUID(), Map.of("t.others", 1), 1, true);
      assertThat(unknown).as("a claim whose answer was lost").hasSize(1);
      others.start("b");
      await()
          .atMost(Duration.ofSeconds(SOON_S))
          .until(() ->
              others
                  .client()
                  .taskViews()
                  .find(unknown.getFirst().task())
                  .orElseThrow()
                  .row()
                  .state()
                  .ended());
    }
  }

  private static boolean serves(Nodes nodes, UUID boot) {
    return nodes.client().nodeViews().nodes().stream().anyMatch(n -> n.boot().equals(boot));
  }
}
