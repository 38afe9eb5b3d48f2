package dev.batchyard.engine.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DecisionsTest {

  private static final Failure WHY = new Failure("Boom", "it broke", "");
  private static final AttemptEnd THREW = new AttemptEnd.Threw(WHY, true);

  @Test
  void the_default_policy_gives_four_attempts() {
    for (int failures = 0; failures < 3; failures++) {
      assertThat(after(THREW, StopReason.NONE, failures)).isInstanceOf(Verdict.Retry.class);
    }
    assertThat(after(THREW, StopReason.NONE, 3)).isEqualTo(new Verdict.Fail(WHY));
  }

  @Test
  void a_final_failure_is_not_tried_again() {
    assertThat(after(new AttemptEnd.Threw(WHY, false), StopReason.NONE, 0))
        .isEqualTo(new Verdict.Fail(WHY));
  }

  @Test
  void a_stopping_node_releases_uncharged() {
    assertThat(after(new AttemptEnd.Stopped(), StopReason.NODE_STOPS, 0))
        .isEqualTo(new Verdict.Release());
  }

  @Test
  void an_acknowledged_pause_or_cancel_is_not_lost_to_a_failure() {
    assertThat(after(THREW, StopReason.PAUSE, 0)).isEqualTo(new Verdict.Pause());
    assertThat(after(THREW, StopReason.CANCEL, 0)).isEqualTo(new Verdict.Cancel());
  }

  @Test
  void work_that_was_done_is_completed_whatever_was_asked() {
    AttemptEnd done = new AttemptEnd.Completed("{}");
    assertThat(after(done, StopReason.CANCEL, 0)).isEqualTo(new Verdict.Complete("{}"));
    assertThat(after(done, StopReason.NODE_STOPS, 0)).isEqualTo(new Verdict.Complete("{}"));
  }

  @Test
  void an_end_in_doubt_of_the_lease_is_sent_and_left_to_the_guard() {
    AttemptEnd done = new AttemptEnd.Completed("{}");
    assertThat(after(done, StopReason.LEASE_LOST, 0)).isEqualTo(new Verdict.Complete("{}"));
    assertThat(after(THREW, StopReason.LEASE_LOST, 3)).isEqualTo(new Verdict.Release());
  }

  @Test
  void nothing_is_written_after_a_refusal() {
    assertThat(after(new AttemptEnd.LostLease(), StopReason.NONE, 0)).isEqualTo(new Verdict.Drop());
  }

  @Test
  void the_absence_of_the_store_is_spared_and_its_charge_goes_along() {
    AttemptEnd away = new AttemptEnd.StoreAway(WHY);
    for (int failures = 0; failures < 3; failures++) {
      assertThat(after(away, StopReason.NONE, failures))
          .isInstanceOfSatisfying(
              Verdict.Spare.class,
              spare -> assertThat(spare.charge()).isInstanceOf(Verdict.Retry.class));
    }
    assertThat(after(away, StopReason.NONE, 3)).isEqualTo(new Verdict.Spare(new Verdict.Fail(WHY)));
  }

  @Test
  void what_a_person_asked_for_comes_before_the_absence_of_the_store() {
    AttemptEnd away = new AttemptEnd.StoreAway(WHY);
    assertThat(after(away, StopReason.PAUSE, 3)).isEqualTo(new Verdict.Pause());
    assertThat(after(away, StopReason.CANCEL, 3)).isEqualTo(new Verdict.Cancel());
    assertThat(after(away, StopReason.LEASE_LOST, 3)).isEqualTo(new Verdict.Release());
  }

  @Test
  void a_limit_that_has_passed_is_charged_or_ends_the_task_unless_the_work_was_done() {
    AttemptEnd stopped = new AttemptEnd.Stopped();
    assertThat(after(stopped, StopReason.ATTEMPT_TIMEOUT, 2))
        .isInstanceOfSatisfying(
            Verdict.Retry.class,
            retry -> assertThat(retry.why()).isEqualTo(TimeLimits.ATTEMPT_TIMEOUT));
    assertThat(after(stopped, StopReason.ATTEMPT_TIMEOUT, 3))
        .isEqualTo(new Verdict.Fail(TimeLimits.ATTEMPT_TIMEOUT));
    AttemptEnd away = new AttemptEnd.StoreAway(WHY);
    for (AttemptEnd end : new AttemptEnd[] {stopped, THREW, away}) {
      assertThat(after(end, StopReason.TOTAL_TIMEOUT, 0))
          .isEqualTo(new Verdict.Fail(TimeLimits.TOTAL_TIMEOUT));
      assertThat(after(end, StopReason.DEADLINE, 0))
          .isEqualTo(new Verdict.Fail(TimeLimits.DEADLINE_PASSED));
    }
    assertThat(after(new AttemptEnd.Completed("{}"), StopReason.DEADLINE, 0))
        .isEqualTo(new Verdict.Complete("{}"));
  }

  @ParameterizedTest
  @CsvSource({
    "Boom, final", // the name itself goes before any beginning of it
    "Boomerang, 10",
    "Bolt, final",
    "boom, 2",
    "Other, 2",
    "AttemptTimeout, 600", // longer than the longest delay
    "Slightly, 2", // shorter than the policy's own delay
    "'', 2",
  })
  void the_most_exact_rule_for_a_kind_of_failure_counts(String kind, String expected) {
    RetryPolicy ruled =
        RetryPolicy.DEFAULT.withRules(
            List.of(
                new ErrorRule.Final("Bo*"),
                new ErrorRule.Slow("Boom*", Duration.ofSeconds(5)),
                new ErrorRule.Final("Boom"),
                new ErrorRule.Slow("Slightly", Duration.ofMillis(1)),
                new ErrorRule.Slow("AttemptTimeout", Duration.ofMinutes(10))));
    Failure why = new Failure(kind, "it broke", "");
    Verdict verdict =
        Decisions.after(
            new AttemptEnd.Threw(why, true),
            StopReason.NONE,
            new Counters(2, 1, 0, 1),
            ruled,
            new SplittableRandom(1));
    if (expected.equals("final")) {
      assertThat(verdict).isEqualTo(new Verdict.Fail(why));
    } else {
      Duration delay = Duration.ofSeconds(Long.parseLong(expected));
      assertThat(verdict)
          .isInstanceOfSatisfying(
              Verdict.Retry.class,
              retry ->
                  assertThat(retry.delay()).isBetween(delay, delay.multipliedBy(6).dividedBy(5)));
    }
  }

  @Test
  void a_rule_may_make_an_attempt_timeout_final_and_spares_what_a_person_asked_for() {
    RetryPolicy ruled = RetryPolicy.DEFAULT.withRules(List.of(new ErrorRule.Final("*")));
    Counters first = new Counters(1, 0, 0, 1);
    assertThat(
            Decisions.after(
                new AttemptEnd.Stopped(),
                StopReason.ATTEMPT_TIMEOUT,
                first,
                ruled,
                new SplittableRandom(1)))
        .isEqualTo(new Verdict.Fail(TimeLimits.ATTEMPT_TIMEOUT));
    assertThat(Decisions.after(THREW, StopReason.PAUSE, first, ruled, new SplittableRandom(1)))
        .isEqualTo(new Verdict.Pause());
  }

  @Test
  void delays_grow_as_the_mission_says() {
    assertThat(RetryPolicy.DEFAULT.delayAfter(1)).isEqualTo(Duration.ofSeconds(1));
    assertThat(RetryPolicy.DEFAULT.delayAfter(3)).isEqualTo(Duration.ofSeconds(4));
    assertThat(RetryPolicy.DEFAULT.delayAfter(30)).isEqualTo(Duration.ofMinutes(1));
    assertThat(RetryPolicy.CRITICAL.delayAfter(5)).isEqualTo(Duration.ofSeconds(25));
    assertThat(RetryPolicy.CRITICAL.delayAfter(100)).isEqualTo(Duration.ofMinutes(5));
  }

  private static Verdict after(AttemptEnd end, StopReason stop, int failures) {
    return Decisions.after(
        end,
        stop,
        new Counters(failures + 1, failures, 0, 1),
        RetryPolicy.DEFAULT,
        new SplittableRandom(1));
  }
}
