package dev.batchyard.engine.task;

import java.time.Duration;
import java.util.Optional;

/**
 * What is left of a task's limits, as a claim brings it: spans from the claim on, so that a node
 * measures them by its own ticker.
 *
 * @param startWithin until its handler must have been called; negative when that has passed
 * @param attempt how long the handler may run
 * @param endWithin until it must have ended; negative when that has passed
 * @param byDeadline whether {@code endWithin} is its deadline's, not its total timeout's
 */
public record TimeLimits(
    Optional<Duration> startWithin,
    Optional<Duration> attempt,
    Optional<Duration> endWithin,
    boolean byDeadline) {

  /** Nothing is limited. */
  public static final TimeLimits NONE =
      new TimeLimits(Optional.empty(), Optional.empty(), Optional.empty(), false);

  /** It waited too long for a node. */
  public static final Failure QUEUE_TIMEOUT =
      new Failure("QueueTimeout", "it waited longer than its queue timeout", "");

  /** Its handler ran too long. */
  public static final Failure ATTEMPT_TIMEOUT =
      new Failure("AttemptTimeout", "it ran longer than its attempt timeout", "");

  /** It has not ended in time after its submit. */
  public static final Failure TOTAL_TIMEOUT =
      new Failure("TotalTimeout", "its total timeout has passed", "");

  /** It has not ended by its deadline. */
  public static final Failure DEADLINE_PASSED =
      new Failure("DeadlinePassed", "its deadline has passed", "");

  /**
   * {@return why its handler must not be called any more; empty if it may}
   *
   * @param sinceClaim by the node's ticker
   */
  public Optional<Failure> late(Duration sinceClaim) {
    if (passed(endWithin, sinceClaim)) {
      return Optional.of(byDeadline ? DEADLINE_PASSED : TOTAL_TIMEOUT);
    }
    return passed(startWithin, sinceClaim) ? Optional.of(QUEUE_TIMEOUT) : Optional.empty();
  }

  /**
   * {@return why an attempt whose handler runs must stop; {@code NONE} if it may go on}
   *
   * @param sinceClaim by the node's ticker
   * @param ran since its handler was called
   */
  public StopReason overtime(Duration sinceClaim, Duration ran) {
    if (passed(endWithin, sinceClaim)) {
      return byDeadline ? StopReason.DEADLINE : StopReason.TOTAL_TIMEOUT;
    }
    return passed(attempt, ran) ? StopReason.ATTEMPT_TIMEOUT : StopReason.NONE;
  }

  private static boolean passed(Optional<Duration> limit, Duration time) {
    return limit.isPresent() && time.compareTo(limit.get()) >= 0;
  }
}
