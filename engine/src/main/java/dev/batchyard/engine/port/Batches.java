package dev.batchyard.engine.port;

import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/** Groups of tasks with counts, each with a task that runs when all of them have ended. */
public interface Batches {

  /**
   * Opens a batch, durably. Its then task is stored at once, as blocked; it becomes ready once,
   * when the batch is sealed and all its members have ended.
   *
   * @param then due at once, without keys and limits, of no batch
   * @throws UnknownName if its queue or retry policy does not exist
   * @throws InvalidParameters if the label or the task cannot be stored
   */
  Opened open(String label, Optional<TaskDraft> then);

  /**
   * Seals a batch: nothing joins it any more. One whose members have all ended ends at once.
   *
   * @return false if it was sealed already
   * @throws UnknownName if there is no such batch
   */
  boolean seal(long batch);

  /** {@return a batch with its counts} */
  Optional<Batch> find(long batch);

  /** A new batch and the task that waits for it. */
  record Opened(long batch, OptionalLong then) {}

  /**
   * A batch.
   *
   * @param ended when it first ended; members that were run again since may be live
   * @param failed of its members, quarantined ones too
   * @param cancelled of its members, skipped ones too
   */
  record Batch(
      long id,
      String label,
      Instant opened,
      Optional<Instant> sealed,
      Optional<Instant> ended,
      OptionalLong then,
      long total,
      long completed,
      long failed,
      long cancelled) {

    /** {@return how many members have not ended} */
    public long live() {
      return total - completed - failed - cancelled;
    }
  }
}
