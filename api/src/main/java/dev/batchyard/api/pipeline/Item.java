package dev.batchyard.api.pipeline;

import java.util.function.Supplier;

/**
 * One row, document or record.
 *
 * @param number its place in the source, from 1; for a file with a header, the first row after it
 * @param value what it holds
 * @param raw makes its text as read, for the rejects; asked only when the item is rejected
 * @param <T> what it holds
 */
public record Item<T>(long number, T value, Supplier<String> raw) {

  /** {@return the same item with another value} */
  public <R> Item<R> withValue(R newValue) {
    return new Item<>(number, newValue, raw);
  }
}
