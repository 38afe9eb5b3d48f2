package dev.batchyard.api;

/**
 * The code that runs a task of one type. An attempt calls it once, on a virtual thread of its own.
 *
 * <p>It may run more than once for one task: after a retry, after the death of its node, after a
 * pause. What it commits through {@code commit_chunk} (the pipeline's sinks do) is never doubled;
 * other effects must be idempotent.
 *
 * @param <P> the parameters, a record that was checked when the task was submitted
 */
@FunctionalInterface
public interface TaskHandler<P extends Record> {

  /**
   * Runs one attempt.
   *
   * @return how it ended; {@link Outcome.Stopped} after {@link TaskContext#stopRequested()} said so
   * @throws FinalFailure when trying again cannot help
   * @throws Exception anything else is tried again as the task's retry policy says
   */
  Outcome run(P params, TaskContext context) throws Exception;
}
