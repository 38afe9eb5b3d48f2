package dev.batchyard.api;

import java.time.Duration;
import java.util.Optional;

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

  /**
   * Does a step that is recorded, so that later attempts skip it once it is done, and that is
   * undone if the task ends badly. Two round trips to the database beside the action itself; what
   * is done costs one. One at a time, none within another.
   *
   * @return what its action returned, in this attempt or in an earlier one
   * @throws LeaseLost if the task is no longer ours; the action has not run
   * @throws FinalFailure if it is unknown and can be neither repeated nor asked for, if its name
   *     was used before in this attempt, if its undo is no registered task type, or if the task has
   *     more than {@link DurableStep#STEPS_MAX}
   * @throws Exception what the action throws; the step is unknown then
   */
  <R extends Record> R step(DurableStep<R> step) throws Exception;

  /**
   * Tells that what stands behind the only slots or rate that this task uses is overloaded, as by
   * an answer with {@code Retry-After}: nothing that uses this pool starts for so long, at least a
   * second, then half as much as before, and more again by a twentieth of its capacity (1 at least)
   * in ten seconds. What runs goes on. Told again meanwhile, only the rest becomes longer. Durable
   * when it returns; one round trip to the database.
   *
   * @param retryAfter an hour at most; longer ones are cut
   * @throws IllegalArgumentException if the task uses no such pool, or several
   * @throws LeaseLost if the task is no longer ours; nothing was changed
   */
  void slowDown(Duration retryAfter);

  /**
   * The same for one of several pools.
   *
   * @param pool slots or a rate that this task uses
   */
  void slowDown(String pool, Duration retryAfter);

  /**
   * {@return the parts into which this task was split, all of which have ended; empty before it
   * was} Of a task that was split several times those of the last time.
   */
  Optional<Parts> parts();

  /**
   * {@return which part of its parent the task is, or which of the tasks of a broadcast; {@link
   * Part#WHOLE} for one that is none} A round trip to the database the first time.
   */
  Part part();

  /** Tells how far the attempt is. Cheap: kept in memory, written about once a second. */
  void progress(Progress progress);

  /** {@return the log of this attempt, kept with the task} */
  AttemptLog log();
}
