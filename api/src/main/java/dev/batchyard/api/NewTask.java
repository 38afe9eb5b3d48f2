package dev.batchyard.api;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A task to submit. Built with the type and its parameters; everything else has a default and a
 * {@code with…} method.
 *
 * @param type the name of a task type, such as {@code data.import}
 * @param params a record of the type's parameter class
 * @param label what people see in lists; empty for the type's own words; as {@link Labels} allows
 * @param queue the line it waits in
 * @param priority 0 (urgent) to 7, 4 unless told otherwise
 * @param due not before this instant; at once when empty
 * @param keys unique keys, at most 200 characters each: a submit whose key is held returns the task
 *     that holds it
 * @param batch the open batch that it is a member of
 * @param retry the name of a retry policy; by priority when empty ({@code critical} for 0 and 1)
 * @param limits how long it may take
 * @param requirement what a node must have to run it
 * @param pools the pools that it uses while it runs, all at once or none, and how many units of
 *     each; at most {@link #POOLS_MAX}
 */
public record NewTask(
    String type,
    Record params,
    String label,
    String queue,
    int priority,
    Optional<Instant> due,
    TaskKeys keys,
    OptionalLong batch,
    Optional<String> retry,
    Limits limits,
    Requirement requirement,
    Map<String, Integer> pools) {

  /** The line that tasks wait in unless told otherwise. */
  public static final String DEFAULT_QUEUE = "default";

  /** The middle of the priorities. */
  public static final int DEFAULT_PRIORITY = 4;

  /** The least urgent priority. */
  public static final int PRIORITY_MAX = 7;

  /** The most pools that one task uses. */
  public static final int POOLS_MAX = 8;

  /** The most units of a pool that one task uses. */
  public static final int UNITS_MAX = 1_000_000_000;

  private static final int NAME_MAX = 200;

  public NewTask {
    requireName("type", type);
    requireName("queue", queue);
    retry.ifPresent(r -> requireName("retry", r));
    Labels.problem(label)
        .ifPresent(problem -> {
          throw new IllegalArgumentException("label: " + problem);
        });
    if (priority < 0 || priority > PRIORITY_MAX) {
      throw new IllegalArgumentException(
          "priority: " + priority + " is not in 0 (urgent) to " + PRIORITY_MAX);
    }
    pools = Map.copyOf(pools);
    if (pools.size() > POOLS_MAX) {
      throw new IllegalArgumentException(
          "pools: " + pools.size() + " pools; a task uses at most " + POOLS_MAX);
    }
    pools.forEach(NewTask::requireUnits);
  }

  private static void requireUnits(String pool, int units) {
    requireName("pools", pool);
    if (units < 1 || units > UNITS_MAX) {
      throw new IllegalArgumentException(
          "pools: " + units + " units of '" + pool + "' must be 1 to " + UNITS_MAX);
    }
  }

  /** {@return a task of this type, due at once, in the default queue, of the middle priority} */
  public static NewTask of(String type, Record params) {
    return new NewTask(
        type,
        params,
        "",
        DEFAULT_QUEUE,
        DEFAULT_PRIORITY,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        Optional.empty(),
        Limits.NONE,
        Requirement.NONE,
        Map.of());
  }

  /** {@return the same with this label} */
  public NewTask withLabel(String newLabel) {
    return new NewTask(
        type,
        params,
        newLabel,
        queue,
        priority,
        due,
        keys,
        batch,
        retry,
        limits,
        requirement,
        pools);
  }

  /** {@return the same in this queue} */
  public NewTask withQueue(String newQueue) {
    return new NewTask(
        type,
        params,
        label,
        newQueue,
        priority,
        due,
        keys,
        batch,
        retry,
        limits,
        requirement,
        pools);
  }

  /** {@return the same with this priority} */
  public NewTask withPriority(int newPriority) {
    return new NewTask(
        type,
        params,
        label,
        queue,
        newPriority,
        due,
        keys,
        batch,
        retry,
        limits,
        requirement,
        pools);
  }

  /** {@return the same, not before this instant} */
  public NewTask withDue(Instant newDue) {
    return new NewTask(
        type,
        params,
        label,
        queue,
        priority,
        Optional.of(newDue),
        keys,
        batch,
        retry,
        limits,
        requirement,
        pools);
  }

  /**
   * {@return the same under this idempotency key} For a day, a second submit of the same type and
   * key returns the first task, whatever has become of it.
   */
  public NewTask withKey(String newKey) {
    return withKeys(keys.withIdempotency(newKey));
  }

  /**
   * {@return the same, unique among live tasks} Until it has ended, a submit of the same type and
   * key returns it.
   */
  public NewTask withUniqueLive(String key) {
    return withKeys(keys.withLive(key));
  }

  /**
   * {@return the same, unique within a period} For so long from its submit, a submit of the same
   * type and key returns it, whether it has ended or not.
   *
   * @param period 1 ms to 366 days
   */
  public NewTask withUniqueWithin(String key, Duration period) {
    return withKeys(keys.withWithin(key, period));
  }

  /** {@return the same with these unique keys} */
  public NewTask withKeys(TaskKeys newKeys) {
    return new NewTask(
        type,
        params,
        label,
        queue,
        priority,
        due,
        newKeys,
        batch,
        retry,
        limits,
        requirement,
        pools);
  }

  /** {@return the same as a member of this batch, which must not be sealed yet} */
  public NewTask withBatch(long newBatch) {
    return new NewTask(
        type,
        params,
        label,
        queue,
        priority,
        due,
        keys,
        OptionalLong.of(newBatch),
        retry,
        limits,
        requirement,
        pools);
  }

  /** {@return the same with this retry policy} */
  public NewTask withRetry(String newRetry) {
    return new NewTask(
        type,
        params,
        label,
        queue,
        priority,
        due,
        keys,
        batch,
        Optional.of(newRetry),
        limits,
        requirement,
        pools);
  }

  /** {@return the same within these limits} */
  public NewTask withLimits(Limits newLimits) {
    return new NewTask(
        type,
        params,
        label,
        queue,
        priority,
        due,
        keys,
        batch,
        retry,
        newLimits,
        requirement,
        pools);
  }

  /** {@return the same, for nodes that have this only} */
  public NewTask withRequirement(Requirement newRequirement) {
    return new NewTask(
        type,
        params,
        label,
        queue,
        priority,
        due,
        keys,
        batch,
        retry,
        limits,
        newRequirement,
        pools);
  }

  /** {@return the same, using one unit of this pool while it runs} */
  public NewTask withPool(String pool) {
    return withPool(pool, 1);
  }

  /**
   * {@return the same, using so many units of this pool while it runs} A pool that is per key is
   * named with one, as {@code customer:acme}. It starts when all of its pools have room at once,
   * and uses none of them while it waits.
   */
  public NewTask withPool(String pool, int units) {
    Map<String, Integer> more = new HashMap<>(pools);
    more.put(pool, units);
    return withPools(more);
  }

  /** {@return the same, using these pools and no others} */
  public NewTask withPools(Map<String, Integer> newPools) {
    return new NewTask(
        type,
        params,
        label,
        queue,
        priority,
        due,
        keys,
        batch,
        retry,
        limits,
        requirement,
        newPools);
  }

  static void requireName(String field, String value) {
    if (value.isBlank() || value.length() > NAME_MAX) {
      throw new IllegalArgumentException(
          field + ": '" + value + "' must have 1 to " + NAME_MAX + " characters");
    }
  }
}
