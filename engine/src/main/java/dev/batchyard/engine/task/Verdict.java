package dev.batchyard.engine.task;

import java.time.Duration;

/** What becomes of a task after an attempt: decided by {@link Decisions}, applied by the store. */
public sealed interface Verdict {

  /**
   * Completed.
   *
   * @param resultJson a JSON object
   */
  record Complete(String resultJson) implements Verdict {}

  /** Failed for good. */
  record Fail(Failure why) implements Verdict {}

  /** Failed, to be tried again after the delay; a retry is used up. */
  record Retry(Duration delay, Failure why) implements Verdict {}

  /** Not now; nothing is used up. */
  record Snooze(Duration delay) implements Verdict {}

  /** Back to its place in the line; nothing is used up. */
  record Release() implements Verdict {}

  /** Set aside by a person, keeping its place. */
  record Pause() implements Verdict {}

  /** Ended by a person. */
  record Cancel() implements Verdict {}

  /** Nothing more to write: a write was refused, the task is no longer ours. */
  record Drop() implements Verdict {}
}
