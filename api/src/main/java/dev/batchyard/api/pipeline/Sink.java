package dev.batchyard.api.pipeline;

import java.util.List;
import java.util.Optional;

/**
 * Where items go. Used by one thread.
 *
 * @param <T> what an item holds
 */
public interface Sink<T> extends AutoCloseable {

  /**
   * Opens the sink and fetches what is already committed there.
   *
   * @return the last committed checkpoint of this task, or empty at the first start
   * @throws dev.batchyard.api.FinalFailure if the target is missing or may not be written
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours
   */
  Optional<Checkpoint> open() throws Exception;

  /**
   * Takes a chunk, to be committed as one: its items, its rejects, the position after it and the
   * ledger, all or nothing. Items that the target refuses join the rejects. Chunks are committed in
   * the order in which they were given. A sink may work on two at once: then it gives back the
   * chunk before, whose commit has begun, while this one's waits for the next call.
   *
   * @return the chunk whose commit has begun, if there is one; all before it are committed
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; what was given and not yet
   *     committed was not written
   */
  Optional<Written> write(Chunk<T> chunk) throws Exception;

  /**
   * Begins the commit of the chunk given last, if that has not begun.
   *
   * @return that chunk, unless {@link #write} gave it back
   */
  Optional<Written> flush() throws Exception;

  /**
   * Waits until every chunk that was given back is committed.
   *
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; the last one was not written
   */
  void await() throws Exception;

  /**
   * Whether a person may send the task back to a checkpoint that it has passed. What was written
   * since then stays in the target and is written once more, so that writing an item twice must
   * leave what writing it once would, as an upsert by a key does. A sink says so with every commit
   * of a task, and always the same; as long as one has said no, the task goes back over nothing
   * that was written.
   */
  default boolean rewinds() {
    return false;
  }

  /**
   * A chunk, as it is committed.
   *
   * @param ledger the counts of the whole task up to here
   * @param rejects those of this chunk, with the ones that the target refused, by number
   * @param fraction as the chunk has it
   */
  record Written(Ledger ledger, List<Reject> rejects, double fraction) {
    public Written {
      rejects = List.copyOf(rejects);
    }
  }

  /** Waits for a commit that has begun, undoes what comes after it, frees all. */
  @Override
  void close() throws Exception;
}
