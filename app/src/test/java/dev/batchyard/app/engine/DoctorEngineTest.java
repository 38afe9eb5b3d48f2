package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.Outcome;
import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor.LastLook;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Nodes look for what should not be by themselves. */
@PostgresTest
class DoctorEngineTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  private final TestDatabase database;

  DoctorEngineTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void one_of_two_nodes_looks_and_both_know_what_it_found() throws Exception {
    database.execute(
        """
        insert into batchyard.request values (7, 'pause', gen_random_uuid(), 'kim', now())
        """);
    try (Nodes nodes = new Nodes(database, Nodes.type("t.any", 1, (_, _) -> Outcome.completed()))) {
      nodes.start("a");
      nodes.start("b");
      await().atMost(SOON).until(() -> last(nodes, Check.REQUESTS).at().isPresent());
      LastLook found = last(nodes, Check.REQUESTS);
      assertThat(found.found()).isEqualTo(1);
      assertThat(found.examples().getFirst().subject()).isEqualTo("task 7");
      Instant first = found.at().orElseThrow();
      await().atMost(SOON).until(() -> last(nodes, Check.THEN_TASKS).at().isPresent());
      assertThat(last(nodes, Check.REQUESTS).at())
          .as("the other does not look at once again")
          .contains(first);
    }
  }

  private static LastLook last(Nodes nodes, Check check) {
    return nodes.client().doctor().lastLooks().stream()
        .filter(look -> look.check() == check)
        .findFirst()
        .orElseThrow();
  }
}
