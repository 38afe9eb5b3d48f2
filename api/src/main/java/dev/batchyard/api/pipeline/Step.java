package dev.batchyard.api.pipeline;

/**
 * Turns one item into another. The same item gives the same answer in every attempt. Called by one
 * thread.
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

  /** {@return this step and then the next, as one} */
  default <S> Step<T, S> then(Step<R, S> next) {
    return item -> next.apply(apply(item));
  }
}
