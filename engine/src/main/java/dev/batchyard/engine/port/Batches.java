package dev.batchyard.engine.port;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/** Groups of tasks with counts, each with a task that runs when all of them have ended. */
public interface Batches {

  /** The most batches of a page. */
  int PAGE_MAX = 200;

  /**
   * Opens a batch, durably. Its then task is stored at once, as blocked; it becomes ready once,
   * when the batch is sealed and all its members have ended.
   *
   * @param then due when the batch has ended, without keys, of no batch. Its total timeout counts
   *     from here on, so it may fail while it is blocked; its queue timeout from its release
   * @throws UnknownName if its queue or retry policy does not exist
   * @throws InvalidParameters if the label is not as {@link dev.batchyard.api.Labels} allows, the
   *     task cannot be stored, its deadline has passed, or it has what a then task does not take;
   *     nothing was stored
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

  /**
   * {@return batches, the newest first}
   *
   * @param before ids below this; from the newest when empty
   * @param limit at most {@link #PAGE_MAX}
   */
  Page list(OptionalLong before, int limit);

  /**
   * A page of batches.
   *
   * @param next where the next page begins; empty at the end
   */
  record Page(List<Batch> rows, OptionalLong next) {
    public Page {
      rows = List.copyOf(rows);
    }
  }

  /** How far a batch is. */
  enum State {
    /** Tasks may join it. */
    OPEN,
    /** Nothing joins it any more; some of its members have not ended. */
    SEALED,
    /** Sealed, and all its members have ended. */
    ENDED;

    /** {@return as people and machines read it} */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What holds its members together. */
  enum Kind {
    /** Who submitted them. */
    BATCH,
    /** They are the parts of its then task. */
    SPLIT,
    /** Each is for one node. */
    BROADCAST
  }

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
      long cancelled,
      Kind kind) {

    /** {@return how many members have not ended} */
    public long live() {
      return total - completed - failed - cancelled;
    }

    /** {@return how far it is; one that has ended is sealed again while a member runs anew} */
    public State state() {
      return sealed.isEmpty() ? State.OPEN : live() > 0 ? State.SEALED : State.ENDED;
    }
  }
}
