package dev.batchyard.api;

/**
 * Where a task stands in its life. The legal moves between states are one value, {@code
 * dev.batchyard.engine.task.Transitions}.
 */
public enum TaskState {
  /** Due later. */
  SCHEDULED,
  /** Waits for steps, subtasks, an approval or a signal. */
  BLOCKED,
  /** Due, and waits for a node. */
  READY,
  /** An attempt holds its lease. */
  RUNNING,
  /** Waits for the back-off of its retry policy. */
  RETRYING,
  /** Taken out of its line by a person; keeps its place. */
  PAUSED,
  /** Ended well. */
  COMPLETED,
  /** Ended for good after its retries, or by a final error. */
  FAILED,
  /** Ended by a person. */
  CANCELLED,
  /** Ended without running: its trigger rule can no longer hold. */
  SKIPPED,
  /** Set apart because it keeps killing its node. */
  QUARANTINED;

  /** {@return whether nothing but an operator's rerun or mark moves a task on from here} */
  public boolean ended() {
    return switch (this) {
      case COMPLETED, FAILED, CANCELLED, SKIPPED, QUARANTINED -> true;
      case SCHEDULED, BLOCKED, READY, RUNNING, RETRYING, PAUSED -> false;
    };
  }

  /** {@return the word used in the API, the command line, the pages and the database} */
  public String word() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
