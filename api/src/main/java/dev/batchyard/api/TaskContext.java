package dev.batchyard.api;

/**
 * What an attempt sees of the engine. Thread-safe; valid until the handler returns.
 *
 * <p>A handler that works in chunks asks {@link #stopRequested()} after each one and returns {@link
 * Outcome#stopped()} when it answers yes.
 */
public interface TaskContext {

  /** {@return the right to write for this attempt} */
  LeaseToken lease();

  /**
   * {@return how often an operator has rerun this task, from 1} Rejects and other keyed leftovers
   * of an earlier generation are kept apart by it.
   */
  int generation();

  /**
   * {@return whether the attempt should commit what it has and end} It is asked to for a pause, a
   * cancel, a graceful stop of the node, because a limit of its task has passed, or because its
   * lease is in doubt.
   */
  boolean stopRequested();

  /**
   * The effect gate: returns while this node surely owns the task, throws once that is in doubt
   * (its session is lost, or its lease is about to lapse by the node's own clock). Call it right
   * before an effect that cannot be guarded by the lease token.
   *
   * @throws LeaseLost if the task may belong to another node
   */
  void effect();

  /** Tells how far the attempt is. Cheap: kept in memory, written about once a second. */
  void progress(Progress progress);

  /** {@return the log of this attempt, kept with the task} */
  AttemptLog log();
}
