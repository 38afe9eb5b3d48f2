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

  /**
   * Back to its place in the line, since the store was away; nothing is used up, and the attempt
   * keeps the reason. A task that brings the store down by itself must not do so for ever: once
   * {@link Decisions#SPARED_MAX} attempts of this generation went back like this since its
   * checkpoint last moved, the charge stands. The store counts them by its rows of attempts, so
   * that no death of a node makes it forget.
   *
   * @param charge a {@link Retry} or a {@link Fail}
   */
  record Spare(Verdict charge) implements Verdict {
    public Spare {
      if (!(charge instanceof Retry) && !(charge instanceof Fail)) {
        throw new IllegalArgumentException("not a charge: " + charge);
      }
    }
  }

  /** Set aside by a person, keeping its place. */
  record Pause() implements Verdict {}

  /** Ended by a person. */
  record Cancel() implements Verdict {}

  /** Nothing more to write: it is stored already that the task waits for its parts. */
  record Wait() implements Verdict {}

  /** Nothing more to write: a write was refused, the task is no longer ours. */
  record Drop() implements Verdict {}
}
