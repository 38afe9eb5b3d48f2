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
   * the order in which they were given; at most this last one may still be under way on return.
   *
   * @return what will be committed with this chunk
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; neither this chunk nor one
   *     still under way was written
   */
  Written write(Chunk<T> chunk) throws Exception;

  /**
   * Waits until every chunk given is committed.
   *
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; the last chunk was not
   *     written
   */
  void settle() throws Exception;

  /**
   * What one write commits.
   *
   * @param ledger the counts of the whole task up to here
   * @param rejects those of this chunk, with the ones that the target refused, by number
   */
  record Written(Ledger ledger, List<Reject> rejects) {
    public Written {
      rejects = List.copyOf(rejects);
    }
  }

  /** Ends a commit under way, undoes what was not given to be committed, frees all. */
  @Override
  void close() throws Exception;
}
