package dev.batchyard.engine.task;

/** Why the engine asked an attempt to stop. The strongest one wins: later constants override. */
public enum StopReason {
  /** Nobody asked. */
  NONE,
  /** The node is stopping: release the task, uncharged. */
  NODE_STOPS,
  /** A person paused the task. */
  PAUSE,
  /** The attempt has run longer than its task's attempt timeout. */
  ATTEMPT_TIMEOUT,
  /** The task's total timeout has passed. */
  TOTAL_TIMEOUT,
  /** The task's deadline has passed. */
  DEADLINE,
  /** A person cancelled the task. */
  CANCEL,
  /** The node can no longer be sure that it owns the task. */
  LEASE_LOST
}
