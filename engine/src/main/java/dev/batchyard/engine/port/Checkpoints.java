package dev.batchyard.engine.port;

import dev.batchyard.api.pipeline.Ledger;
import java.time.Instant;
import java.util.List;

/** The checkpoints of tasks: the last one, and those before it that are kept. */
public interface Checkpoints {

  /** The most that are told of one task: those of a month, if it has one part. */
  int TOLD_MAX = 200;

  /** {@return those of a task, the newest first; at most {@link #TOLD_MAX}} */
  List<Passed> of(long task);

  /**
   * One checkpoint.
   *
   * @param shard the part of the source that it is of; 0 if that is not split
   * @param number counts from 1; that of the last one moves on with it when it is kept
   * @param last whether the task goes on from here
   * @param ledger the counts up to here
   * @param attempt that committed it
   */
  record Passed(
      int shard,
      int number,
      boolean last,
      String positionJson,
      Ledger ledger,
      int attempt,
      Instant at) {}
}
