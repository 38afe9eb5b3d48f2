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
  /** Takes up to a tenth of a second and heeds a request to stop. */
  LINGER,
  /** Writes a row of its own in the handler's database, once for each attempt. */
  WRITE,
  /** Writes items, each committed together with its checkpoint. */
  CHUNKS,
  /** Submits a task of its own, which it knows by a key. */
  SPAWN;

  /** How many items a task of {@link #CHUNKS} writes. */
  static final int ITEMS = 4;

  /** {@return whether a lease holds it alone} */
  boolean isAlone() {
    return this == LINGER || this == WRITE || this == CHUNKS;
  }

  /** {@return whether it can end as failed} */
  boolean mayFail() {
    return this == FAIL_AT_TIMES || this == FAIL_FOR_GOOD;
  }

  /** {@return whether it can end as completed} */
  boolean mayComplete() {
    return this != FAIL_FOR_GOOD;
  }
}
