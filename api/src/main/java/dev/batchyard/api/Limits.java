package dev.batchyard.api;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How long a task may take. Each limit may be left out; a task that passes one fails, and its error
 * says which. All but the attempt timeout are judged by the database's clock, within about a
 * second, whether nodes live or not come back to it: a limit survives any crash.
 *
 * @param queueTimeout it fails ({@code QueueTimeout}) when it has waited longer than this for a
 *     node, counted anew whenever it becomes due or comes back into its line
 * @param attemptTimeout an attempt that runs longer than this, from the start of its handler, is
 *     asked to stop, then interrupted, at last abandoned; it is charged as a failure ({@code
 *     AttemptTimeout}) and tried again by the retry policy
 * @param totalTimeout it fails ({@code TotalTimeout}) when it has not ended so long after its
 *     submit, whatever its state; a running one stops at its next checkpoint, as by a cancel. A
 *     rerun counts from its own beginning
 * @param deadline the same at an instant ({@code DeadlinePassed}), whichever comes first. A submit
 *     with one that has passed is refused; it does not bind a rerun
 */
public record Limits(
    Optional<Duration> queueTimeout,
    Optional<Duration> attemptTimeout,
    Optional<Duration> totalTimeout,
    Optional<Instant> deadline) {

  /** No limit at all. */
  public static final Limits NONE =
      new Limits(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

  /** The longest timeout. */
  public static final Duration TIMEOUT_MAX = Duration.ofDays(3_650);

  public Limits {
    queueTimeout.ifPresent(span -> require("queueTimeout", span));
    attemptTimeout.ifPresent(span -> require("attemptTimeout", span));
    totalTimeout.ifPresent(span -> require("totalTimeout", span));
  }

  /** {@return whether nothing is limited} */
  public boolean none() {
    return equals(NONE);
  }

  /** {@return the same with this queue timeout} */
  public Limits withQueueTimeout(Duration timeout) {
    return new Limits(Optional.of(timeout), attemptTimeout, totalTimeout, deadline);
  }

  /** {@return the same with this attempt timeout} */
  public Limits withAttemptTimeout(Duration timeout) {
    return new Limits(queueTimeout, Optional.of(timeout), totalTimeout, deadline);
  }

  /** {@return the same with this total timeout} */
  public Limits withTotalTimeout(Duration timeout) {
    return new Limits(queueTimeout, attemptTimeout, Optional.of(timeout), deadline);
  }

  /** {@return the same with this deadline} */
  public Limits withDeadline(Instant newDeadline) {
    return new Limits(queueTimeout, attemptTimeout, totalTimeout, Optional.of(newDeadline));
  }

  private static void require(String field, Duration span) {
    if (span.toMillis() < 1 || span.compareTo(TIMEOUT_MAX) > 0) {
      throw new IllegalArgumentException(
          "%s: %s is not from 1 ms to %,d days".formatted(field, span, TIMEOUT_MAX.toDays()));
    }
  }
}
