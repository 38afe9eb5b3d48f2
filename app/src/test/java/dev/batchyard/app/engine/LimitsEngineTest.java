package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.task.TimeLimits;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Limits of tasks on real nodes, whose lease is a second. */
@PostgresTest
class LimitsEngineTest {

  private static final Duration SHORT = Duration.ofMillis(300);
  private static final Duration SOON = Duration.ofSeconds(20);

  private final TestDatabase database;
  private final AtomicInteger calls = new AtomicInteger();

  LimitsEngineTest(TestDatabase database) {
    this.database = database;
  }

  @BeforeEach
  void policy() throws SQLException {
    database.execute(
        """
        insert into batchyard.retry_policy values ('once', 1, 'linear', '1 ms', '1 ms')
            on conflict do nothing
        """);
  }

  @Test
  void a_handler_that_ignores_interruption_is_abandoned_and_its_retry_completes() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.deaf",
                1,
                (p, c) -> {
                  if (calls.incrementAndGet() == 1) {
                    awaitDeaf(over);
                  }
                  return Outcome.completed();
                }))) {
      nodes.start("a");
      long task = submit(nodes, "t.deaf", Limits.NONE.withAttemptTimeout(SHORT));
      TaskDetail detail = awaitState(nodes, task, TaskState.COMPLETED);
      over.countDown();
      assertThat(detail.attempts())
          .extracting(Attempt::ended)
          .containsExactly("failed", "completed");
      Attempt first = detail.attempts().getFirst();
      assertThat(first.errorJson()).get().asString().contains("AttemptTimeout");
      assertThat(first.took()).get().satisfies(took -> assertThat(took).isGreaterThan(SHORT));
      assertThat(detail.row().counters().failures()).as("it is charged").isEqualTo(1);
    }
  }

  @Test
  void an_attempt_timeout_uses_up_retries_and_spares_who_stops_when_asked() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.slow",
                1,
                (p, c) -> {
                  calls.incrementAndGet();
                  while (!c.stopRequested()) {
                    Thread.onSpinWait();
                  }
                  return Outcome.stopped();
                }))) {
      nodes.start("a");
      long task = submit(nodes, "t.slow", Limits.NONE.withAttemptTimeout(SHORT));
      TaskDetail detail = awaitState(nodes, task, TaskState.FAILED);
      assertThat(calls).hasValue(2);
      assertThat(detail.row().problem()).isEqualTo(TimeLimits.ATTEMPT_TIMEOUT.message());
      assertThat(detail.attempts()).extracting(Attempt::ended).containsExactly("failed", "failed");
    }
  }

  @Test
  void a_running_task_whose_time_is_up_stops_and_fails_for_good() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.runs",
                1,
                (p, c) -> {
                  calls.incrementAndGet();
                  new CountDownLatch(1).await(); // until it is interrupted
                  return Outcome.completed();
                }))) {
      nodes.start("a");
      long total = submit(nodes, "t.runs", Limits.NONE.withTotalTimeout(Duration.ofSeconds(1)));
      TaskDetail detail = awaitState(nodes, total, TaskState.FAILED);
      assertThat(calls).hasValue(1);
      assertThat(detail.errorJson()).get().asString().contains("TotalTimeout");
      assertThat(detail.attempts()).extracting(Attempt::ended).containsExactly("failed");
    }
  }

  @Test
  void a_task_that_waited_too_long_fails_without_its_handler() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.never",
                1,
                (p, c) -> {
                  calls.incrementAndGet();
                  return Outcome.completed();
                }))) {
      nodes.client().queues().create("still");
      nodes.client().queues().pause("still", "王小明");
      nodes.start("a");
      long task =
          nodes
              .submitter()
              .submit(
                  NewTask.of("t.never", new Nodes.Numbered(1))
                      .withQueue("still")
                      .withLimits(Limits.NONE.withQueueTimeout(SHORT)))
              .task();
      TaskDetail detail = awaitState(nodes, task, TaskState.FAILED);
      assertThat(calls).hasValue(0);
      assertThat(detail.row().problem()).isEqualTo(TimeLimits.QUEUE_TIMEOUT.message());
      assertThat(detail.events().getLast().by()).isEqualTo("limits");
    }
  }

  @Test
  void a_claim_whose_time_is_up_ends_without_its_handler() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.late",
                1,
                (p, c) -> {
                  calls.incrementAndGet();
                  return Outcome.completed();
                }))) {
      // nobody sweeps before the claim: the node claims as soon as it is there
      long task = submit(nodes, "t.late", Limits.NONE.withTotalTimeout(Duration.ofMillis(1)));
      nodes.start("a");
      TaskDetail detail = awaitState(nodes, task, TaskState.FAILED);
      assertThat(calls).hasValue(0);
      assertThat(detail.row().problem()).isEqualTo(TimeLimits.TOTAL_TIMEOUT.message());
    }
  }

  private static void awaitDeaf(CountDownLatch over) {
    boolean done = false;
    while (!done) {
      try {
        over.await();
        done = true;
      } catch (InterruptedException e) {
        // deaf
      }
    }
  }

  private static long submit(Nodes nodes, String type, Limits limits) {
    return nodes
        .submitter()
        .submit(
            List.of(NewTask.of(type, new Nodes.Numbered(1)).withRetry("once").withLimits(limits)))
        .getFirst()
        .task();
  }

  private static TaskDetail awaitState(Nodes nodes, long task, TaskState state) {
    return await()
        .atMost(SOON)
        .until(
            () -> nodes.client().taskViews().find(task).orElseThrow(),
            detail -> detail.row().state() == state);
  }
}
