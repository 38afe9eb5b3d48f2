package dev.batchyard.bench.queue;

import dev.batchyard.store.server.DatabaseAddress;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * A queue under measurement, over a database of its own on the benchmark's server. Its tasks do
 * nothing but tell that they started. Submitting and working may happen in different JVMs, each
 * with an instance of its own over the same database; {@link #create()} is called in one of them,
 * before anything else.
 */
public interface QueueSystem extends AutoCloseable {

  /** Makes an instance over a database that this queue has for itself; it connects when used. */
  @FunctionalInterface
  interface Maker {
    QueueSystem over(DatabaseAddress database) throws Exception;
  }

  /** The most tasks that one {@link #submit} may hold. */
  int SUBMIT_MAX = 1_000;

  /** {@return the name in figures, such as {@code db_scheduler}} */
  String name();

  /** {@return versions and settings, in one line to be printed} */
  String settings();

  /** Makes its tables anew and empty. Called again before each cell, while nobody works. */
  void create() throws Exception;

  /**
   * Submits tasks that do nothing in one call; all are durable when it returns.
   *
   * @param count 1 to {@link #SUBMIT_MAX}
   */
  void submit(int count) throws Exception;

  /**
   * Submits one task, which is durable when this returns. Many threads call it at once.
   *
   * @param n what the task tells when it starts
   */
  void submitOne(long n) throws Exception;

  /**
   * Workers begin. What this returns ends them, and returns when they have ended; nothing is lost
   * by it.
   *
   * @param started called by each call of a handler, by many threads, with the {@code n} of {@link
   *     #submitOne}, or 0 for a task of {@link #submit}
   */
  AutoCloseable work(LongConsumer started) throws Exception;

  /** {@return how many tasks have ended since {@link #create()}, by SQL} */
  long ended() throws Exception;

  /** {@return the options of a JVM that works this queue for others, as its users start one} */
  default List<String> workerOptions() {
    return List.of("-Xmx512m");
  }
}
