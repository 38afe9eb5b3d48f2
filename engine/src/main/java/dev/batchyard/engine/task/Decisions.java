package dev.batchyard.engine.task;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** Decides what becomes of a task. Pure, given the random source; thread-safe. */
public final class Decisions {

  /** A task whose node died this often without progress in between is set apart. */
  public static final int CRASHES_MAX = 3;

  /** A task that died this often without progress runs with nothing else on its node. */
  public static final int CRASHES_ALONE = 2;

  /**
   * A task goes back uncharged this often because the store was away, with no chunk committed in
   * between. A task whose checkpoint moves goes back as often as it takes.
   */
  public static final int SPARED_MAX = 5;

  private Decisions() {}

  /**
   * What becomes of a task after an attempt. A node in doubt of its lease sends the end all the
   * same: it is guarded by the lease token, so it counts if the lease still stands and is refused,
   * and counted, if not.
   *
   * @param end how the handler ended
   * @param stop what the engine had asked of it by then
   * @param counters as claimed: the attempt that ended is {@code counters.attempt()}
   * @param policy its rules are for failures that would be tried again
   */
  public static Verdict after(
      AttemptEnd end,
      StopReason stop,
      Counters counters,
      RetryPolicy policy,
      RandomGenerator random) {
    return switch (end) {
      case AttemptEnd.Completed(var result) -> new Verdict.Complete(result);
      case AttemptEnd.Snoozed(var delay) ->
          stopped(stop, new Verdict.Snooze(delay), counters, policy, random);
      case AttemptEnd.Stopped() -> stopped(stop, new Verdict.Release(), counters, policy, random);
      case AttemptEnd.StoreAway(var why) -> {
        Verdict charge = after(new AttemptEnd.Threw(why, true), stop, counters, policy, random);
        boolean timeIsUp = stop == StopReason.TOTAL_TIMEOUT || stop == StopReason.DEADLINE;
        yield !timeIsUp && (charge instanceof Verdict.Retry || charge instanceof Verdict.Fail)
            ? new Verdict.Spare(charge)
            : charge;
      }
      case AttemptEnd.Waits() -> new Verdict.Wait();
      case AttemptEnd.LostLease() -> new Verdict.Drop();
      case AttemptEnd.Threw(var why, var retryable) -> {
        if (stop == StopReason.LEASE_LOST) {
          yield new Verdict.Release(); // aborted by us: says nothing of the work
        }
        if (stop == StopReason.CANCEL) {
          yield new Verdict.Cancel();
        }
        if (stop == StopReason.PAUSE && retryable) {
          yield new Verdict.Pause(); // an acknowledged pause is never lost to a failure
        }
        if (retryable && stop == StopReason.TOTAL_TIMEOUT) {
          yield new Verdict.Fail(TimeLimits.TOTAL_TIMEOUT);
        }
        if (retryable && stop == StopReason.DEADLINE) {
          yield new Verdict.Fail(TimeLimits.DEADLINE_PASSED);
        }
        yield retryable ? charge(why, counters, policy, random) : new Verdict.Fail(why);
      }
    };
  }

  private static Verdict charge(
      Failure why, Counters counters, RetryPolicy policy, RandomGenerator random) {
    if (counters.failures() >= policy.retries()) {
      return new Verdict.Fail(why);
    }
    RetryPolicy slowed = policy;
    Optional<ErrorRule> rule = policy.rule(why.kind());
    if (rule.isPresent()) {
      switch (rule.get()) {
        case ErrorRule.Final(var _) -> {
          return new Verdict.Fail(why);
        }
        case ErrorRule.Slow(var _, var firstDelay) -> slowed = policy.slowed(firstDelay);
      }
    }
    return new Verdict.Retry(jittered(slowed, counters.failures() + 1, random), why);
  }

  /**
   * The policy's delay plus additive jitter: a uniform draw from zero to a fifth of the delay, so
   * that a promise such as a rate limit is never broken by starting early.
   *
   * @param failures how often the handler has failed, at least 1
   * @return at least the policy's delay, at most 1.2 times it
   */
  static Duration jittered(RetryPolicy policy, int failures, RandomGenerator random) {
    long delayMs = policy.delayAfter(failures).toMillis();
    return Duration.ofMillis(delayMs + random.nextLong(delayMs / 5 + 1));
  }

  private static Verdict stopped(
      StopReason stop,
      Verdict otherwise,
      Counters counters,
      RetryPolicy policy,
      RandomGenerator random) {
    return switch (stop) {
      case ATTEMPT_TIMEOUT -> charge(TimeLimits.ATTEMPT_TIMEOUT, counters, policy, random);
      case TOTAL_TIMEOUT -> new Verdict.Fail(TimeLimits.TOTAL_TIMEOUT);
      case DEADLINE -> new Verdict.Fail(TimeLimits.DEADLINE_PASSED);
      case PAUSE -> new Verdict.Pause();
      case CANCEL -> new Verdict.Cancel();
      case NONE -> otherwise;
      case NODE_STOPS, LEASE_LOST -> new Verdict.Release();
    };
  }
}
