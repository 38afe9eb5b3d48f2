package dev.batchyard.api.pipeline;

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
   * Commits a chunk: its items, its rejects, the position after it and the ledger, all or nothing.
   * Items that the target refuses join the rejects.
   *
   * @return the ledger as committed
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; nothing was written
   */
  Ledger write(Chunk<T> chunk) throws Exception;

  @Override
  void close() throws Exception;
}
