package dev.batchyard.api;

import java.time.Duration;
import java.util.Map;

/** How an attempt ended, as its handler sees it. A handler that fails throws instead. */
public sealed interface Outcome {

  /**
   * The work is done.
   *
   * @param result shown and kept as long as the task; at most 64 KiB as JSON
   */
  record Completed(Map<String, Object> result) implements Outcome {
    public Completed {
      result = Map.copyOf(result);
    }
  }

  /** Not now: try again after the delay; no retry is used up. */
  record Snoozed(Duration delay) implements Outcome {
    public Snoozed {
      if (delay.isNegative()) {
        throw new IllegalArgumentException("delay < 0: " + delay);
      }
    }
  }

  /**
   * The attempt obeyed a request to stop and what it had done is committed. The engine knows why it
   * asked (pause, cancel, shutdown) and moves the task accordingly; no retry is used up.
   */
  record Stopped() implements Outcome {}

  /** {@return done, with nothing to tell} */
  static Outcome completed() {
    return new Completed(Map.of());
  }

  /** {@return done, with a result} */
  static Outcome completed(Map<String, Object> result) {
    return new Completed(result);
  }

  /** {@return not now, again after the delay} */
  static Outcome snoozed(Duration delay) {
    return new Snoozed(delay);
  }

  /** {@return stopped as asked} */
  static Outcome stopped() {
    return new Stopped();
  }
}
