package dev.batchyard.api.pipeline;

import java.util.List;

/**
 * Neighbouring items that are committed together, or not at all.
 *
 * @param items those that were read well, in order
 * @param rejects those that were not
 * @param skipped how many were passed over on purpose (blank lines are not items)
 * @param after where to go on once this chunk is committed
 * @param fraction share of the source that lies before {@code after}, 0 to 1; negative if unknown
 * @param <T> what an item holds
 */
public record Chunk<T>(
    List<Item<T>> items, List<Reject> rejects, long skipped, Position after, double fraction) {
  public Chunk {
    items = List.copyOf(items);
    rejects = List.copyOf(rejects);
  }

  /** {@return how many items were read from the source for this chunk} */
  public long read() {
    return items.size() + rejects.size() + skipped;
  }
}
