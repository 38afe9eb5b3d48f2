package dev.batchyard.engine.task;

/**
 * The numbers that travel with a task from home to home.
 *
 * @param attempt starts so far, this one included; never reused, never lowered
 * @param failures failures of the handler in this generation; these use up retries
 * @param crashes deaths of its node since the last committed progress
 * @param generation 1, plus one for every rerun by an operator
 */
public record Counters(int attempt, int failures, int crashes, int generation) {

  /** A task that has never run. */
  public static final Counters NEW = new Counters(0, 0, 0, 1);

  public Counters {
    if (attempt < 0 || failures < 0 || crashes < 0 || generation < 1) {
      throw new IllegalArgumentException(
          "attempt %d, failures %d, crashes %d, generation %d"
              .formatted(attempt, failures, crashes, generation));
    }
  }
}
