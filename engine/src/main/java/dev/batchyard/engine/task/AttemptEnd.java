package dev.batchyard.engine.task;

/** How the handler of an attempt came to its end. */
public sealed interface AttemptEnd {

  /**
   * It returned that the work is done.
   *
   * @param resultJson a JSON object
   */
  record Completed(String resultJson) implements AttemptEnd {}

  /** It asked for another time. */
  record Snoozed(java.time.Duration delay) implements AttemptEnd {}

  /** It stopped as it had been asked to. */
  record Stopped() implements AttemptEnd {}

  /**
   * It threw.
   *
   * @param why what
   * @param retryable whether trying again may help
   */
  record Threw(Failure why, boolean retryable) implements AttemptEnd {}

  /**
   * It threw, to be tried again, because the store was away; it says nothing of the work.
   *
   * @param why what
   */
  record StoreAway(Failure why) implements AttemptEnd {}

  /** It was stored that the task waits for its parts. */
  record Waits() implements AttemptEnd {}

  /** A write of it was refused: the task belongs to somebody else. */
  record LostLease() implements AttemptEnd {}
}
