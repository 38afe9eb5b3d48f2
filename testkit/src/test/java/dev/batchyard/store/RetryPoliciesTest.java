package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.RetryPolicy.Backoff;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.RetryPolicies;
import dev.batchyard.engine.port.RetryPolicies.Change;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class RetryPoliciesTest {

  private static final RetryPolicy NIGHTLY =
      new RetryPolicy("夜间", 7, Backoff.LINEAR, Duration.ofMillis(1500), Duration.ofDays(30));

  private StoreFixture f;
  private RetryPolicies policies;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    policies = f.store.retryPolicies();
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void the_built_in_policies_are_those_of_the_api_and_stay() {
    assertThat(policies.list()).containsExactly(RetryPolicy.CRITICAL, RetryPolicy.DEFAULT);
    for (String name : List.of("default", "critical")) {
      assertThatThrownBy(() -> policies.remove(name))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'" + name + "' is chosen by priority and stays");
    }
    assertThat(policies.list()).hasSize(2);
  }

  @Test
  void a_policy_is_made_found_changed_and_removed() {
    assertThat(policies.create(NIGHTLY)).isEqualTo(Change.DONE);
    assertThat(policies.create(with(NIGHTLY, 9))).isEqualTo(Change.ALREADY);
    assertThat(policies.find("夜间")).contains(NIGHTLY);
    assertThat(policies.list()).hasSize(3).contains(NIGHTLY);
    assertThat(policies.edit("夜间", policy -> with(policy, 0))).isEqualTo(Change.DONE);
    assertThat(policies.edit("夜间", policy -> with(policy, 0))).isEqualTo(Change.ALREADY);
    assertThat(policies.find("夜间")).contains(with(NIGHTLY, 0));
    assertThatThrownBy(() -> policies.edit("夜间", policy -> RetryPolicy.DEFAULT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cannot become 'default'");
    assertThat(policies.remove("夜间")).isEqualTo(Change.DONE);
    assertThat(policies.remove("夜间")).isEqualTo(Change.NOT_FOUND);
    assertThat(policies.edit("夜间", policy -> policy)).isEqualTo(Change.NOT_FOUND);
    assertThat(policies.find("夜间")).isEmpty();
  }

  @Test
  void a_change_counts_for_tasks_that_wait_already() {
    policies.create(NIGHTLY);
    f.submit(by("夜间"));
    policies.edit("夜间", policy -> with(policy, 2));
    Claim first = f.claimOne(node);
    assertThat(first.retry()).isEqualTo(with(NIGHTLY, 2));
    f.finish(first, StoreFixture.retry(Duration.ofSeconds(5)));
    policies.edit("夜间", policy -> with(policy, 3));
    f.pass(Duration.ofSeconds(5));
    assertThat(f.claimOne(node).retry()).isEqualTo(with(NIGHTLY, 3));
  }

  @Test
  void rules_for_kinds_of_failures_are_kept_changed_and_go_with_their_policy() {
    List<ErrorRule> rules =
        List.of(
            new ErrorRule.Slow("Sql*", Duration.ofDays(30)),
            new ErrorRule.Final("失败"),
            new ErrorRule.Slow("A", Duration.ofMillis(1)));
    RetryPolicy ruled = NIGHTLY.withRules(rules);
    policies.create(ruled);
    assertThat(policies.find("夜间")).contains(ruled);
    assertThat(policies.edit("夜间", policy -> policy.withRules(rules))).isEqualTo(Change.ALREADY);
    RetryPolicy fewer = NIGHTLY.withRules(List.of(new ErrorRule.Slow("失败", Duration.ofHours(1))));
    assertThat(policies.edit("夜间", _ -> fewer)).isEqualTo(Change.DONE);
    assertThat(policies.list()).contains(fewer);
    f.submit(by("夜间"));
    Claim claim = f.claimOne(node);
    assertThat(claim.retry()).as("claims do not carry them").isEqualTo(NIGHTLY);
    f.finish(claim, StoreFixture.complete());
    policies.remove("夜间");
    assertThat(f.count("select count(*) from retry_rule")).isZero();
  }

  @Test
  void a_policy_is_not_removed_under_tasks_that_wait_run_or_are_set_aside() {
    policies.create(NIGHTLY);
    f.submit(3);
    long running = f.submit(by("夜间"));
    List<Claim> claims = f.claim(node, 4);
    refusesToRemove("task " + running + " uses it");
    long paused = f.submit(by("夜间"));
    f.submit(2);
    f.store.operatorMoves().pause(paused, "kim");
    refusesToRemove("2 tasks use it, such as task " + running);
    f.finish(claims, StoreFixture.complete());
    refusesToRemove("task " + paused + " uses it");
    f.store.operatorMoves().resume(paused, "kim");
    refusesToRemove("task " + paused + " uses it");
    f.store.operatorMoves().cancel(paused, "kim");
    assertThat(policies.remove("夜间")).isEqualTo(Change.DONE);
  }

  @Test
  void a_policy_that_a_recorded_step_is_undone_by_is_not_removed() {
    policies.create(NIGHTLY);
    f.submit();
    Claim claim = f.claimOne(node);
    f.sql(
        """
        insert into step (task, round, number, name, lease, started_at, undo_type, undo_params, undo_retry)
        values (%d, 1, 1, 'room', 1, now(), 'test.undo', '{}', '夜间')
        """
            .formatted(claim.task()));
    refusesToRemove("task " + claim.task() + " uses it");
    f.finish(claim, StoreFixture.complete());
    assertThat(policies.remove("夜间")).isEqualTo(Change.DONE);
  }

  private void refusesToRemove(String why) {
    assertThatThrownBy(() -> policies.remove("夜间"))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContaining("retry policy '夜间': " + why);
    assertThat(policies.find("夜间")).isPresent();
  }

  @Test
  void live_tasks_of_a_policy_are_counted_so_far_and_no_farther() {
    policies.create(NIGHTLY);
    List<TaskDraft> drafts = IntStream.range(0, 600).mapToObj(_ -> by("夜间")).toList();
    f.store.submissions().submit(drafts);
    f.store.submissions().submit(drafts);
    refusesToRemove("at least 1,000 tasks use it, such as task ");
  }

  @Test
  void a_submit_that_names_an_unknown_policy_is_told_the_nearest_one() {
    policies.create(NIGHTLY);
    assertThatThrownBy(() -> f.submit(by("critcal")))
        .isInstanceOf(UnknownName.class)
        .hasMessage(
            "retry policy 'critcal' does not exist; did you mean 'critical'? There are: critical,"
                + " default, 夜间; './batchyard retry-policy critcal --create' makes it");
  }

  @Test
  void a_policy_that_was_removed_elsewhere_is_known_for_ten_seconds_at_most() {
    AtomicLong nanos = new AtomicLong(-5);
    Lanes lanes = new Lanes(new Db(f.source, new Random(3)), nanos::get);
    policies.create(NIGHTLY);
    lanes.check(List.of(by("夜间"), by("default")));
    policies.remove("夜间");
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(10));
    lanes.check(List.of(by("夜间")));
    nanos.addAndGet(1);
    assertThatThrownBy(() -> lanes.check(List.of(by("夜间")))).isInstanceOf(UnknownName.class);
    assertThatThrownBy(() -> f.submit(by("夜间")))
        .as("at once where it was removed")
        .isInstanceOf(UnknownName.class);
  }

  @Test
  void a_task_whose_policy_is_gone_goes_by_the_default_one() {
    policies.create(NIGHTLY);
    long task = f.submit(by("夜间"));
    f.store.operatorMoves().cancel(task, "kim");
    policies.remove("夜间");
    f.store.operatorMoves().rerun(task, "kim");
    assertThat(f.claimOne(node).retry()).isEqualTo(RetryPolicy.DEFAULT);
  }

  @Test
  void names_that_would_be_a_trouble_and_the_hundred_and_first_policy_are_refused() {
    for (String name : new String[] {"a b", "-x", "a'b", "a\nb"}) {
      RetryPolicy odd =
          new RetryPolicy(name, 1, Backoff.LINEAR, Duration.ZERO, Duration.ofSeconds(1));
      assertThatThrownBy(() -> policies.create(odd))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("begins with a letter or a digit");
    }
    for (int n = 2; n < RetryPolicies.POLICIES_MAX; n++) {
      assertThat(policies.create(named("p" + n))).isEqualTo(Change.DONE);
    }
    assertThatThrownBy(() -> policies.create(named("one.more")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "retry policy 'one.more': there are 100 already, which is the most; remove one");
  }

  @Test
  void two_changes_at_once_are_both_made() throws Exception {
    policies.create(named("a"));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Change>> all =
          IntStream.range(0, 8)
              .mapToObj(
                  _ -> threads.submit(() -> policies.edit("a", p -> with(p, p.retries() + 1))))
              .toList();
      for (Future<Change> each : all) {
        assertThat(each.get(20, TimeUnit.SECONDS)).isEqualTo(Change.DONE);
      }
    }
    assertThat(policies.find("a").orElseThrow().retries()).isEqualTo(9);
  }

  private static RetryPolicy named(String name) {
    return new RetryPolicy(name, 1, Backoff.EXPONENTIAL, Duration.ZERO, Duration.ofSeconds(1));
  }

  private static RetryPolicy with(RetryPolicy p, int retries) {
    return new RetryPolicy(p.name(), retries, p.backoff(), p.firstDelay(), p.maxDelay());
  }

  private static TaskDraft by(String retry) {
    return new TaskDraft(
        StoreFixture.TYPE,
        "{}",
        "",
        "default",
        4,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        retry);
  }
}
