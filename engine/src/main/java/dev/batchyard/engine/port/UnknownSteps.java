package dev.batchyard.engine.port;

/**
 * What a person says of a durable step of which nobody has recorded whether it happened. It counts
 * for attempts that come to the step from now on; who said it stays with the step.
 */
public interface UnknownSteps {

  /** The longest result, in bytes of UTF-8. */
  int RESULT_BYTES_MAX = 65_536;

  /**
   * It happened: attempts skip its action and are given this result. Said again, the last word
   * counts; what an attempt has recorded cannot be said otherwise.
   *
   * @param resultJson a JSON object, as its action would have returned it
   * @param why 1 to {@link OperatorMoves#WHY_MAX} characters
   * @return {@code DONE} or {@code NOT_FOUND}, if there is no such task
   * @throws MoveRefused if the task runs, has no such step, has come to an end that leaves nothing
   *     to be done, or the step is recorded as done or is undone
   * @throws IllegalArgumentException if the result or the reason cannot be kept
   */
  OperatorMoves.Move done(long task, String step, String resultJson, String by, String why);

  /** It has not happened: the next attempt that comes to it begins it anew. Else the same. */
  OperatorMoves.Move notDone(long task, String step, String by, String why);
}
