package dev.batchyard.api;

/**
 * The parts into which a task was split, all of which have ended. Thread-safe; valid until the
 * handler returns.
 */
public interface Parts {

  /** {@return how many parts there are} */
  int total();

  /** {@return how many of them have completed; all, unless the split {@link Split#tolerant()}} */
  int completed();

  /** {@return how many ended in another way} */
  int failed();

  /**
   * What the parts gave back, in their order; those that have not completed are left out. Read from
   * the database a page at a time, so that any number of parts takes little memory.
   *
   * @param result the record that the map of {@link Outcome#completed(java.util.Map)} is read as;
   *     walking throws {@link FinalFailure} at one that does not fit
   */
  <R extends Record> Iterable<Result<R>> results(Class<R> result);

  /**
   * What one part gave back.
   *
   * @param index of the part, from 0
   * @param task the task that it is
   */
  record Result<R extends Record>(int index, long task, R value) {}
}
