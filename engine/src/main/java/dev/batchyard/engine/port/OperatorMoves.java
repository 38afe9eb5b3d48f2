package dev.batchyard.engine.port;

import java.util.OptionalInt;

/**
 * What a person may do to one task. Each looks for the task in block, lease, parked and outcome
 * until it is found, since it may move meanwhile.
 */
public interface OperatorMoves {

  /** The longest reason, in characters. */
  int WHY_MAX = 500;

  /** Ends it: a waiting one at once, a running one as soon as its attempt obeys. */
  Move cancel(long task, String by);

  /** Sets it aside, keeping its place: a running one at its next checkpoint. */
  Move pause(long task, String by);

  /** Puts a paused one back where it was, with its old due time. */
  default Move resume(long task, String by) {
    return resume(task, by, OptionalInt.empty());
  }

  /**
   * The same from a checkpoint that it has passed. Either both or nothing.
   *
   * @param checkpoint its number; the last one if empty
   * @throws MoveRefused if it has no such checkpoint, or has written since then what its sink does
   *     not write twice
   */
  Move resume(long task, String by, OptionalInt checkpoint);

  /**
   * Runs an ended one again (failed, cancelled, quarantined) as a new generation. It goes on from
   * its checkpoint; the old end moves to the attempts, its batch counts it as live again.
   *
   * @throws MoveRefused if another task holds its key among live tasks by now, or the batch that it
   *     waited for has not ended, or it is so old that it is being deleted
   */
  default Move rerun(long task, String by) {
    return rerun(task, by, OptionalInt.empty());
  }

  /**
   * The same from a checkpoint that it has passed. Either both or nothing.
   *
   * @param checkpoint its number; the last one if empty
   * @throws MoveRefused also if it has no such checkpoint, or has written since then what its sink
   *     does not write twice
   */
  Move rerun(long task, String by, OptionalInt checkpoint);

  /**
   * Counts a failed task as completed: its work was done otherwise, or is not needed. Its batch
   * counts it so; what the batch has released stays released. The failure moves to the attempts, no
   * result is kept, and nothing runs it again.
   *
   * @param why for its history; 1 to {@link #WHY_MAX} characters
   * @return {@code ALREADY} if it is completed
   * @throws MoveRefused if it is so old that it is being deleted
   * @throws IllegalArgumentException for another reason
   */
  Move markCompleted(long task, String by, String why);

  /** What came of it. */
  enum Move {
    /** Done. */
    DONE,
    /** The task runs: its attempt has been asked. */
    REQUESTED,
    /** Nothing to do: it is already so, or already ended. */
    ALREADY,
    /** Not a move that its state allows. */
    REFUSED,
    /** No such task. */
    NOT_FOUND
  }
}
