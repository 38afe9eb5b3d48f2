package dev.batchyard.api;

import java.time.Duration;

/** What a retry policy does after failures of certain kinds. */
public sealed interface ErrorRule {

  /**
   * {@return the kinds of failures that it is for} The simple name of what is thrown, such as
   * {@code SocketTimeoutException}; or how it begins, and {@code *}.
   */
  String kind();

  /** Such a failure is final: the task is not tried again. */
  record Final(String kind) implements ErrorRule {
    public Final {
      requireKind(kind);
    }
  }

  /**
   * After such a failure the delays grow from this first delay, if it is longer than the policy's
   * own; the longest delay is no shorter than it.
   *
   * @param firstDelay more than zero, at most {@link RetryPolicy#DELAY_MAX}
   */
  record Slow(String kind, Duration firstDelay) implements ErrorRule {
    public Slow {
      requireKind(kind);
      if (firstDelay.toMillis() < 1 || firstDelay.compareTo(RetryPolicy.DELAY_MAX) > 0) {
        throw new IllegalArgumentException(
            "slow-on: %s for '%s' is not from 1 ms to %d days"
                .formatted(firstDelay, kind, RetryPolicy.DELAY_MAX.toDays()));
      }
    }
  }

  /** {@return whether it is for failures of this kind} */
  default boolean matches(String failureKind) {
    return kind().endsWith("*")
        ? failureKind.startsWith(kind().substring(0, kind().length() - 1))
        : failureKind.equals(kind());
  }

  private static void requireKind(String kind) {
    if (!kind.matches("[\\p{L}\\p{N}_$]{1,200}|[\\p{L}\\p{N}_$]{0,199}\\*")) {
      throw new IllegalArgumentException(
          "'%s' is no kind of failure; give the simple name of what is thrown, such as"
                  .formatted(kind)
              + " SocketTimeoutException, or its beginning and *; at most 200 characters");
    }
  }
}
