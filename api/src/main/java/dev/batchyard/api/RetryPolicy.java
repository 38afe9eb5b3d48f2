package dev.batchyard.api;

import java.time.Duration;

/**
 * How often and after what delay a failed task is tried again.
 *
 * @param name how tasks refer to it
 * @param retries tries after the first one; 0 to 100
 * @param backoff how the delay grows
 * @param firstDelay before the first retry
 * @param maxDelay no delay is longer, jitter aside
 */
public record RetryPolicy(
    String name, int retries, Backoff backoff, Duration firstDelay, Duration maxDelay) {

  /** How the delay grows from one retry to the next. */
  public enum Backoff {
    /** Twice as long each time. */
    EXPONENTIAL,
    /** Longer by the first delay each time. */
    LINEAR
  }

  /** 3 retries, 1 s doubling up to 60 s. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(
          "default", 3, Backoff.EXPONENTIAL, Duration.ofSeconds(1), Duration.ofSeconds(60));

  /** 5 retries, 5 s growing by 5 s up to 300 s; chosen for the priorities 0 and 1. */
  public static final RetryPolicy CRITICAL =
      new RetryPolicy(
          "critical", 5, Backoff.LINEAR, Duration.ofSeconds(5), Duration.ofSeconds(300));

  private static final int RETRIES_MAX = 100;

  public RetryPolicy {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name is blank");
    }
    if (retries < 0 || retries > RETRIES_MAX) {
      throw new IllegalArgumentException("retries not in 0.." + RETRIES_MAX + ": " + retries);
    }
    if (firstDelay.isNegative()) {
      throw new IllegalArgumentException("firstDelay < 0: " + firstDelay);
    }
    if (maxDelay.compareTo(firstDelay) < 0) {
      throw new IllegalArgumentException("maxDelay < firstDelay: " + maxDelay);
    }
  }

  /**
   * The delay before the next try, without jitter.
   *
   * @param failures how often the handler has failed so far, at least 1
   */
  public Duration delayAfter(int failures) {
    if (failures < 1) {
      throw new IllegalArgumentException("failures < 1: " + failures);
    }
    Duration delay =
        switch (backoff) {
          case EXPONENTIAL -> firstDelay.multipliedBy(1L << Math.min(failures - 1, 30));
          case LINEAR -> firstDelay.multipliedBy(failures);
        };
    return delay.compareTo(maxDelay) > 0 ? maxDelay : delay;
  }
}
