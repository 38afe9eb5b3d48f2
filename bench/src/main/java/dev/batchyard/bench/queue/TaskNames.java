package dev.batchyard.bench.queue;

import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Names for tasks of queues that know a task by a text. No two are alike, whichever JVM made them,
 * and each tells the number of its task, so that no parameters have to be stored.
 */
final class TaskNames {

  private static final char BETWEEN = '-';

  private final String maker = UUID.randomUUID().toString().substring(0, 8);
  private final AtomicLong made = new AtomicLong();

  /** {@return a new name for a task of this number} */
  String next(long n) {
    return Long.toString(n) + BETWEEN + maker + BETWEEN + made.incrementAndGet();
  }

  /** {@return how many were made} */
  long made() {
    return made.get();
  }

  /** {@return the number of the task that has this name} */
  static long number(String name) {
    return Long.parseLong(name, 0, name.indexOf(BETWEEN), 10);
  }
}
