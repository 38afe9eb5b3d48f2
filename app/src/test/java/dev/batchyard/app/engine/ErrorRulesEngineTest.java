package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.RetryPolicy.Backoff;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

@PostgresTest
class ErrorRulesEngineTest {

  private static final Duration SOON = Duration.ofSeconds(20);

  private final TestDatabase database;

  ErrorRulesEngineTest(TestDatabase database) {
    this.database = database;
  }

  private static RetryPolicy policy(String name, ErrorRule... rules) {
    return new RetryPolicy(
        name, 2, Backoff.LINEAR, Duration.ofMillis(1), Duration.ofMillis(1), List.of(rules));
  }

  @Test
  void a_failure_that_its_policy_calls_final_uses_up_no_retry_and_others_do() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.ruled",
                1,
                (p, c) -> {
                  if (p.number() == 1) {
                    throw new IllegalStateException("这样不行");
                  }
                  throw new UnsupportedOperationException("nor so");
                }))) {
      var _ =
          nodes
              .client()
              .retryPolicies()
              .create(policy("ruled", new ErrorRule.Final("IllegalState*")));
      nodes.start("ruled");
      TaskRow ended = end(nodes, "t.ruled", 1, "ruled");
      assertThat(ended.counters().attempt()).isEqualTo(1);
      assertThat(ended.problem()).isEqualTo("这样不行");
      assertThat(end(nodes, "t.ruled", 2, "ruled").counters().attempt()).isEqualTo(3);
    }
  }

  @Test
  void a_rule_that_is_made_while_the_attempt_runs_counts_when_it_fails() throws Exception {
    CountDownLatch made = new CountDownLatch(1);
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.late",
                1,
                (p, c) -> {
                  made.await();
                  throw new IllegalStateException("too late");
                }))) {
      // rules may be a second old: until they are read anew it is tried again soon
      Duration soon = Duration.ofMillis(100);
      var _ =
          nodes
              .client()
              .retryPolicies()
              .create(new RetryPolicy("late", 100, Backoff.LINEAR, soon, soon, List.of()));
      nodes.start("late");
      long task = submit(nodes, "t.late", 1, "late", Limits.NONE);
      await().atMost(SOON).until(() -> find(nodes, task).state() == TaskState.RUNNING);
      var _ =
          nodes
              .client()
              .retryPolicies()
              .edit(
                  "late", p -> p.withRules(List.of(new ErrorRule.Slow("*", Duration.ofHours(1)))));
      made.countDown();
      await()
          .atMost(SOON)
          .until(() -> find(nodes, task), row -> row.state() == TaskState.RETRYING && late(row));
    }
  }

  private static boolean late(TaskRow row) {
    return Duration.between(row.submitted(), row.due()).compareTo(Duration.ofMinutes(59)) > 0;
  }

  @Test
  void an_attempt_that_its_timeout_interrupts_goes_by_the_rule_for_that() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database::database,
            Duration.ofSeconds(5), // else a busy machine abandons it before it obeys
            Nodes.type(
                "t.slow",
                1,
                (p, c) -> {
                  new CountDownLatch(1).await();
                  return Outcome.completed();
                }))) {
      var _ =
          nodes
              .client()
              .retryPolicies()
              .create(policy("timed", new ErrorRule.Final("AttemptTimeout")));
      nodes.start("slow");
      Limits limits =
          new Limits(
              Optional.empty(),
              Optional.of(Duration.ofMillis(50)),
              Optional.empty(),
              Optional.empty());
      long task = submit(nodes, "t.slow", 1, "timed", limits);
      await().atMost(SOON).until(() -> find(nodes, task).state() == TaskState.FAILED);
      assertThat(find(nodes, task).counters().failures()).isEqualTo(1);
    }
  }

  @Test
  void an_attempt_that_is_abandoned_at_its_timeout_goes_by_the_rule_for_that() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.deaf",
                1,
                (p, c) -> {
                  while (over.getCount() > 0) {
                    try {
                      over.await();
                    } catch (InterruptedException e) {
                      // it does not obey
                    }
                  }
                  return Outcome.completed();
                }))) {
      var _ =
          nodes
              .client()
              .retryPolicies()
              .create(policy("deaf", new ErrorRule.Final("AttemptTimeout")));
      nodes.start("deaf");
      Limits limits =
          new Limits(
              Optional.empty(),
              Optional.of(Duration.ofMillis(50)),
              Optional.empty(),
              Optional.empty());
      long task = submit(nodes, "t.deaf", 1, "deaf", limits);
      await().atMost(SOON).until(() -> find(nodes, task).counters().failures() == 1);
      assertThat(find(nodes, task).state()).isEqualTo(TaskState.FAILED);
    } finally {
      over.countDown();
    }
  }

  private static long submit(Nodes nodes, String type, int number, String policy, Limits limits) {
    return nodes
        .submitter()
        .submit(NewTask.of(type, new Nodes.Numbered(number)).withRetry(policy).withLimits(limits))
        .task();
  }

  private static TaskRow end(Nodes nodes, String type, int number, String policy) {
    long task = submit(nodes, type, number, policy, Limits.NONE);
    await().atMost(SOON).until(() -> find(nodes, task).state() == TaskState.FAILED);
    return find(nodes, task);
  }

  private static TaskRow find(Nodes nodes, long task) {
    return nodes.client().taskViews().find(task).orElseThrow().row();
  }
}
