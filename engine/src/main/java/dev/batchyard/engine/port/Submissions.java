package dev.batchyard.engine.port;

import java.util.List;

/** Takes new tasks. */
public interface Submissions {

  /** The most tasks in one call. */
  int BATCH_MAX = 1_000;

  /**
   * Stores the tasks, all or none, durably, and wakes nodes.
   *
   * @param drafts at most {@link #BATCH_MAX}
   * @return one answer for each, in order
   * @throws UnknownName if a draft names a queue or a retry policy that does not exist, or a batch
   *     that does not exist or is sealed
   * @throws InvalidParameters if the deadline of a draft has passed by the database's clock, unless
   *     a task that holds its key is the answer
   */
  List<Submitted> submit(List<TaskDraft> drafts);
}
