package dev.batchyard.api;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * How often and after what delay a failed task is tried again.
 *
 * @param name how tasks refer to it; at most {@link #NAME_MAX} characters
 * @param retries tries after the first one; 0 to {@link #RETRIES_MAX}
 * @param backoff how the delay grows
 * @param firstDelay before the first retry
 * @param maxDelay no delay is longer, jitter aside; at most {@link #DELAY_MAX}
 * @param rules for failures of certain kinds, one for each kind, in order of these; at most {@link
 *     #RULES_MAX}
 */
public record RetryPolicy(
    String name,
    int retries,
    Backoff backoff,
    Duration firstDelay,
    Duration maxDelay,
    List<ErrorRule> rules) {

  /** How the delay grows from one retry to the next. */
  public enum Backoff {
    /** Twice as long each time. */
    EXPONENTIAL,
    /** Longer by the first delay each time. */
    LINEAR
  }

  /** The most rules. */
  public static final int RULES_MAX = 20;

  /** The longest delay. */
  public static final Duration DELAY_MAX = Duration.ofDays(30);

  /** 3 retries, 1 s doubling up to 60 s. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(
          "default", 3, Backoff.EXPONENTIAL, Duration.ofSeconds(1), Duration.ofSeconds(60));

  /** 5 retries, 5 s growing by 5 s up to 300 s; chosen for the priorities 0 and 1. */
  public static final RetryPolicy CRITICAL =
      new RetryPolicy(
          "critical", 5, Backoff.LINEAR, Duration.ofSeconds(5), Duration.ofSeconds(300));

  /** The longest name, in characters. */
  public static final int NAME_MAX = 100;

  /** The most retries. */
  public static final int RETRIES_MAX = 100;

  public RetryPolicy {
    if (name.isBlank() || name.length() > NAME_MAX) {
      throw new IllegalArgumentException(
          "name: '" + name + "' must have 1 to " + NAME_MAX + " characters");
    }
    if (retries < 0 || retries > RETRIES_MAX) {
      throw new IllegalArgumentException("retries: " + retries + " is not in 0 to " + RETRIES_MAX);
    }
    if (firstDelay.isNegative() || firstDelay.compareTo(maxDelay) > 0) {
      throw new IllegalArgumentException(
          "first-delay: " + firstDelay + " is not from 0 to the longest delay, " + maxDelay);
    }
    if (maxDelay.compareTo(DELAY_MAX) > 0) {
      throw new IllegalArgumentException(
          "max-delay: " + maxDelay + " is longer than " + DELAY_MAX.toDays() + " days");
    }
    if (rules.size() > RULES_MAX) {
      throw new IllegalArgumentException(
          "rules: " + rules.size() + " for kinds of failures; at most " + RULES_MAX);
    }
    if (rules.stream().map(ErrorRule::kind).distinct().count() < rules.size()) {
      throw new IllegalArgumentException("rules: two are for the same kind of failures: " + rules);
    }
    rules = rules.stream().sorted(Comparator.comparing(ErrorRule::kind)).toList();
  }

  /** A policy without rules for kinds of failures. */
  public RetryPolicy(
      String name, int retries, Backoff backoff, Duration firstDelay, Duration maxDelay) {
    this(name, retries, backoff, firstDelay, maxDelay, List.of());
  }

  /** {@return the same with these rules} */
  public RetryPolicy withRules(List<ErrorRule> newRules) {
    return new RetryPolicy(name, retries, backoff, firstDelay, maxDelay, newRules);
  }

  /**
   * {@return the rule for a kind of failure} One that names it goes before those for beginnings, of
   * these the longest goes first.
   */
  public Optional<ErrorRule> rule(String kind) {
    return rules.stream()
        .filter(rule -> rule.matches(kind))
        .max(
            Comparator.<ErrorRule, Boolean>comparing(rule -> !rule.kind().endsWith("*"))
                .thenComparingInt(rule -> rule.kind().length()));
  }

  /** {@return the same, whose delays grow from this one if it is longer than the first delay} */
  public RetryPolicy slowed(Duration delay) {
    return delay.compareTo(firstDelay) <= 0
        ? this
        : new RetryPolicy(
            name, retries, backoff, delay, delay.compareTo(maxDelay) > 0 ? delay : maxDelay, rules);
  }

  /** {@return whether it is chosen by priority, so that it is always there} */
  public boolean builtIn() {
    return name.equals(DEFAULT.name) || name.equals(CRITICAL.name);
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
