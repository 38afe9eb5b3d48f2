package dev.batchyard.api;

import java.time.Duration;
import java.util.Optional;

/**
 * The unique keys of a task, all of its type. A task takes all of its keys or is not submitted:
 * whoever submits while another task holds one of them is told that task instead.
 *
 * @param idempotency kept for a day from the submit, whatever becomes of the task
 * @param live kept until the task ends
 * @param within kept for a period from the submit
 */
public record TaskKeys(
    Optional<String> idempotency, Optional<String> live, Optional<Within> within) {

  /** How long an idempotency key is kept. */
  public static final Duration IDEMPOTENCY_KEPT = Duration.ofHours(24);

  /** No key at all. */
  public static final TaskKeys NONE =
      new TaskKeys(Optional.empty(), Optional.empty(), Optional.empty());

  /**
   * A key for a period.
   *
   * @param period from the submit, 1 ms to 366 days
   */
  public record Within(String key, Duration period) {

    /** The longest period. */
    public static final Duration PERIOD_MAX = Duration.ofDays(366);

    public Within {
      NewTask.requireName("unique-within", key);
      if (period.toMillis() < 1 || period.compareTo(PERIOD_MAX) > 0) {
        throw new IllegalArgumentException(
            "unique-within: a period of " + period + " is not in 1 ms to 366 days");
      }
    }
  }

  public TaskKeys {
    idempotency.ifPresent(k -> NewTask.requireName("key", k));
    live.ifPresent(k -> NewTask.requireName("unique-live", k));
  }

  /** {@return the same with this idempotency key} */
  public TaskKeys withIdempotency(String key) {
    return new TaskKeys(Optional.of(key), live, within);
  }

  /** {@return the same with this key among live tasks} */
  public TaskKeys withLive(String key) {
    return new TaskKeys(idempotency, Optional.of(key), within);
  }

  /** {@return the same with this key for a period} */
  public TaskKeys withWithin(String key, Duration period) {
    return new TaskKeys(idempotency, live, Optional.of(new Within(key, period)));
  }

  /** {@return whether there is none} */
  public boolean isEmpty() {
    return idempotency.isEmpty() && live.isEmpty() && within.isEmpty();
  }
}
