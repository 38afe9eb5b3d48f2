package dev.batchyard.bench.queue;

import dev.batchyard.store.server.DatabaseAddress;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Works a queue in a JVM of its own, as told by lines on standard input: {@link #WORK}, {@link
 * #COUNT}, {@link #STOP}; each is answered by a line that begins with the same word. Each start of
 * a task that was submitted alone is told with its time: {@code started N NANOSECONDS} of a clock
 * that all processes of this machine share.
 */
public final class WorkerMain {

  /** Begin to work. */
  public static final String WORK = "work";

  /** Tell how many handler calls there were since the last {@link #WORK}. */
  public static final String COUNT = "count";

  /** End working. */
  public static final String STOP = "stop";

  /** Tells of a start. */
  public static final String STARTED = "started";

  private final String name;
  private final DatabaseAddress database;
  private final AtomicLong count = new AtomicLong();

  private WorkerMain(String name, DatabaseAddress database) {
    this.name = name;
    this.database = database;
  }

  /**
   * Serves until standard input ends; its first line is the password.
   *
   * @param arguments the queue's name, then host, port, database and user
   */
  public static void main(String[] arguments) throws Exception {
    try (BufferedReader asked =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      DatabaseAddress database =
          new DatabaseAddress(
              arguments[1],
              Integer.parseInt(arguments[2]),
              arguments[3],
              arguments[4],
              String.valueOf(asked.readLine()),
              Map.of());
      new WorkerMain(arguments[0], database).serve(asked);
    }
    System.exit(0); // whatever threads a queue leaves behind
  }

  private void serve(BufferedReader asked) throws Exception {
    for (String line = asked.readLine(); line != null; line = asked.readLine()) {
      if (!line.equals(WORK)) {
        throw new IOException("asked to " + line + " while nothing works");
      }
      count.set(0);
      try (QueueSystem queue = QueueSystems.maker(name).over(database);
          AutoCloseable _ = queue.work(this::started)) {
        System.out.println(WORK);
        untilStop(asked);
      }
      System.out.println(STOP);
    }
  }

  private void untilStop(BufferedReader asked) throws IOException {
    for (String line = asked.readLine();
        line != null && !line.equals(STOP);
        line = asked.readLine()) {
      System.out.println(COUNT + " " + count.get());
    }
  }

  private void started(long n) {
    long at = System.nanoTime();
    count.incrementAndGet();
    if (n > 0) {
      System.out.println(STARTED + " " + n + " " + at);
    }
  }
}
