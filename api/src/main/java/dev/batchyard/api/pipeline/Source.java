package dev.batchyard.api.pipeline;

import java.io.IOException;
import java.util.Optional;

/**
 * Where items come from. It is opened at a position and read once, by one thread.
 *
 * @param <T> what an item holds
 */
public interface Source<T> extends AutoCloseable {

  /**
   * Opens the source.
   *
   * @param from where the last committed chunk ended; empty at the first start
   * @throws dev.batchyard.api.FinalFailure if the source is missing, unreadable, or is not the one
   *     that the position was taken from
   */
  void open(Optional<Position> from) throws IOException;

  /**
   * Reads the next items.
   *
   * @param itemsMax the most items that the chunk may hold, rejects and skipped ones included
   * @return the chunk, or empty at the end
   */
  Optional<Chunk<T>> next(int itemsMax) throws IOException;

  @Override
  void close() throws IOException;
}
