package dev.batchyard.api.pipeline;

/**
 * Turns one item into another. Pure: the same item gives the same answer in every attempt.
 *
 * @param <T> what comes in
 * @param <R> what goes out
 */
@FunctionalInterface
public interface Step<T, R> {

  /**
   * {@return the new item}
   *
   * @throws RejectedItem if the item cannot be taken; it goes to the rejects
   */
  Item<R> apply(Item<T> item) throws RejectedItem;
}
