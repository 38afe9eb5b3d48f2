package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.engine.port.Batches.Opened;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A batch from its opening to its then task, with nodes that run it all. */
@PostgresTest
final class BatchEngineTest {

  private static final int MEMBERS = 40;

  private final AtomicInteger done = new AtomicInteger();
  private final List<Integer> sums = Collections.synchronizedList(new ArrayList<>());

  @Test
  void the_then_task_runs_once_after_all_members_though_another_client_seals(TestDatabase database)
      throws Exception {
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "part",
                10,
                (p, c) -> {
                  done.incrementAndGet();
                  return Outcome.completed();
                }),
            Nodes.type(
                "sum",
                1,
                (p, c) -> {
                  sums.add(done.get());
                  return Outcome.completed();
                }))) {
      nodes.start("a");
      nodes.start("b");
      Submitter submitter = nodes.submitter();
      Opened opened =
          submitter.openBatch("nightly", Optional.of(NewTask.of("sum", new Nodes.Numbered(0))));
      var _ =
          submitter.submit(
              IntStream.range(0, MEMBERS)
                  .mapToObj(
                      n -> NewTask.of("part", new Nodes.Numbered(n)).withBatch(opened.batch()))
                  .toList());
      await().atMost(Duration.ofSeconds(20)).until(() -> done.get() == MEMBERS);
      assertThat(sums).as("it is open still").isEmpty();

      assertThat(nodes.submitter().seal(opened.batch())).isTrue();
      await().atMost(Duration.ofSeconds(20)).until(() -> !sums.isEmpty());
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() ->
              nodes
                  .client()
                  .taskViews()
                  .find(opened.then().orElseThrow())
                  .orElseThrow()
                  .row()
                  .state()
                  .ended());
      assertThat(sums).containsExactly(MEMBERS);
      var batch = nodes.client().batches().find(opened.batch()).orElseThrow();
      assertThat(batch.completed()).isEqualTo(MEMBERS);
      assertThat(batch.ended()).isPresent();
    }
  }
}
