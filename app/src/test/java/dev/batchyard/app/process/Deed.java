package dev.batchyard.app.process;

/** What the handler of a proof's task does. */
enum Deed {
  /** Completes at once. */
  COMPLETE,
  /** Fails two times of five. */
  FAIL_AT_TIMES,
  /** Fails for good. */
  FAIL_FOR_GOOD,
  /** Snoozes every other time. */
  SNOOZE,
  /**
   * Takes up to a tenth of a second, heeds a request to stop and writes down from when to when it
   * ran.
   */
  LINGER,
  /** Writes a row of its own in the handler's database, once for each attempt. */
  WRITE,
  /** Writes items, each committed together with its checkpoint. */
  CHUNKS,
  /** Submits a task of its own, which it knows by a key. */
  SPAWN,
  /** Does durable steps, and may fail after all; then they are undone. */
  STEPS;

  /** How many items a task of {@link #CHUNKS} writes. */
  static final int ITEMS = 4;

  /** {@return whether a lease holds it alone} */
  boolean isAlone() {
    return this == LINGER || this == WRITE || this == CHUNKS || this == STEPS;
  }

  /** {@return whether it can end as failed} */
  boolean mayFail() {
    return this == FAIL_AT_TIMES || this == FAIL_FOR_GOOD || this == STEPS;
  }

  /** {@return whether it can end as completed} */
  boolean mayComplete() {
    return this != FAIL_FOR_GOOD;
  }
}
