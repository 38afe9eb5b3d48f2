package dev.batchyard.engine.port;

import dev.batchyard.api.LeaseToken;
import java.time.Duration;
import java.util.Optional;

/**
 * Records the durable steps of running tasks, and what they tell of their pools; every write is
 * guarded by the attempt's lease. What ends a task makes the undo tasks of its steps by itself.
 */
public interface Steps {

  /**
   * Records a step as started, durably, or finds what is recorded of it. Called again after an
   * answer was lost, it recognises its own first try.
   *
   * @param again whether this attempt has begun this step before, and its action has thrown
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; nothing was written
   */
  Found begin(LeaseToken lease, Draft step, boolean again);

  /**
   * Records a step that was begun as done, durably; again does no harm.
   *
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; nothing was written
   */
  void done(LeaseToken lease, String name, String resultJson);

  /** The longest time for which a pool rests when it is slowed down. */
  Duration RETRY_AFTER_MAX = Duration.ofHours(1);

  /**
   * Gives less of a pool that a running task uses, since what stands behind it is overloaded: half
   * of what it has now, nothing before the given time has passed, and then more again, step by
   * step.
   *
   * @param pool slots or a rate that the task uses; its only such pool when empty
   * @param retryAfter at most {@link #RETRY_AFTER_MAX}, and what is longer is cut
   * @throws IllegalArgumentException if the task uses no such pool, or several and none is named
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; nothing was changed
   */
  void slowDown(LeaseToken lease, Optional<String> pool, Duration retryAfter);

  /** A checked step on its way into the store. */
  record Draft(String name, Optional<Undo> undo) {
    public Draft {
      Storable.requireText("step", name);
    }
  }

  /**
   * What is to undo it.
   *
   * @param retry the name of its retry policy
   */
  record Undo(String type, String paramsJson, String retry) {
    public Undo {
      Storable.requireText("undo", type);
      Storable.requireJson("undo params", paramsJson);
      Storable.requireText("retry", retry);
    }
  }

  /** What became of it. */
  sealed interface Found {

    /** It is recorded as started, and its action has never run. */
    record Started() implements Found {}

    /** It was started before, and nobody has recorded that it was done. */
    record Unknown() implements Found {}

    /** It was done before. */
    record Done(String resultJson) implements Found {}

    /** It cannot be begun, for the reason given; nothing was written. */
    record Refused(String why) implements Found {}
  }
}
