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

  /** The work is done by parts; see {@link #split}. */
  record IntoParts(Split split) implements Outcome {}

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

  /**
   * The work is done by parts, which are tasks of their own. They are submitted in the transaction
   * that ends this attempt: all of them, or none and the task is as it was. The task waits,
   * blocked, for all of them to end, and holds neither thread nor slot nor pool meanwhile. Then its
   * handler is called again, in another attempt, in which {@link TaskContext#parts()} has what they
   * gave back. If parts have ended badly it fails instead; run again, it has those parts run again
   * first, and no others. What the handler has done before it returns this is not undone by it.
   *
   * <p>The type must be {@link TaskType#splitting()}.
   */
  static Outcome split(Split into) {
    return new IntoParts(into);
  }

  /** {@return stopped as asked} */
  static Outcome stopped() {
    return new Stopped();
  }
}
