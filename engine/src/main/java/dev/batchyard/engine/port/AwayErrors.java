package dev.batchyard.engine.port;

/** Reads what a handler threw. */
@FunctionalInterface
public interface AwayErrors {

  /**
   * Whether it, or a cause of it, says that a database did not answer: a broken or refused
   * connection, a shutdown, a crash, a start. It does not say which database: handlers may work
   * with others than the store.
   */
  boolean sayAway(Throwable thrown);
}
