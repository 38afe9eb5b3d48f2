package dev.batchyard.engine.port;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The queues: named lines of ready tasks. They are made by a person, never taken away, and known to
 * all nodes of a store at once.
 */
public interface Queues {

  /** The longest age step. */
  Duration AGE_STEP_MAX = Duration.ofDays(30);

  /** The longest name, in characters. */
  int NAME_MAX = 100;

  /** {@return all queues, by name} */
  List<QueueRow> list();

  /** {@return the names of all queues, in order; what waits in them is not counted} */
  List<String> names();

  /**
   * Makes a queue, with an age step of a minute.
   *
   * @param name letters, digits, {@code . _ -}, beginning with a letter or a digit; at most {@link
   *     #NAME_MAX}
   * @return {@code DONE}, or {@code ALREADY} if there is one of this name
   * @throws IllegalArgumentException for another name; the message says what a name may be
   */
  Change create(String name);

  /**
   * Lets no task of it start any more, on any node; what runs goes on. A claim that had begun
   * before this was committed may still start some.
   *
   * @param by who, for people
   */
  Change pause(String name, String by);

  /** Lets its tasks start again, and wakes nodes. */
  Change resume(String name);

  /**
   * Sets how long a task must have waited to count as one step more urgent; zero lets them start in
   * the order of their due times, whatever their priority.
   *
   * @throws IllegalArgumentException unless it is from zero to {@link #AGE_STEP_MAX}
   */
  Change ageStep(String name, Duration step);

  /** What came of it. */
  enum Change {
    /** Done. */
    DONE,
    /** It was so already. */
    ALREADY,
    /** No such queue. */
    NOT_FOUND
  }

  /**
   * A queue.
   *
   * @param waiting tasks that are due and wait for a node
   * @param later tasks that are due later, retries among them
   * @param running tasks that a node holds
   * @param pausedBy who paused it; empty while it is not paused
   * @param pausedAt since when
   */
  record QueueRow(
      String name,
      long waiting,
      long later,
      long running,
      Duration ageStep,
      Optional<String> pausedBy,
      Optional<Instant> pausedAt) {}
}
