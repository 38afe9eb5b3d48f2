package dev.batchyard.bench;

import dev.batchyard.bench.queue.BatchyardQueue;
import dev.batchyard.bench.queue.LimitQueue;
import dev.batchyard.bench.queue.QueueSystem;
import dev.batchyard.bench.queue.QueueSystems;
import dev.batchyard.bench.queue.Sources;
import dev.batchyard.store.server.DatabaseAddress;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;

/**
 * The server with a database for each queue, JVMs that work them, and what cells have in common.
 */
final class QueueLab implements AutoCloseable {

  private static final long DRAIN_MAX_S = 300;
  private static final long LOOK_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(2);

  private final BenchServer server;
  private final Map<String, WorkerJvm> workers = new HashMap<>();

  QueueLab(BenchServer server) {
    this.server = server;
  }

  BenchServer server() {
    return server;
  }

  /** {@return the database of a queue} */
  DatabaseAddress database(String system) throws SQLException {
    return server.database("bench_" + system);
  }

  /** {@return Batchyard over a database of this name, apart from that of other cells} */
  BatchyardQueue openBatchyard(String name) throws Exception {
    return new BatchyardQueue(database(name));
  }

  /** {@return Batchyard over its database} */
  BatchyardQueue openBatchyard() throws Exception {
    return new BatchyardQueue(database(QueueSystems.BATCHYARD));
  }

  /** {@return a queue over its database} */
  QueueSystem open(String system) throws Exception {
    return QueueSystems.maker(system).over(database(system));
  }

  /** {@return the same, whose submits wake workers in other processes} */
  QueueSystem openWaking(String system) throws Exception {
    return system.equals(QueueSystems.LIMIT) ? LimitQueue.ringing(database(system)) : open(system);
  }

  /**
   * {@return a JVM that works the queue, started at the first call and kept, so that it is warm}
   *
   * @param number 0 for the first one
   */
  WorkerJvm worker(String system, int number) throws Exception {
    String key = system + " " + number;
    WorkerJvm worker = workers.get(key);
    if (worker == null) {
      try (QueueSystem queue = open(system)) {
        worker = WorkerJvm.start(system, database(system), queue.workerOptions());
      }
      workers.put(key, worker);
    }
    return worker;
  }

  /** Lets the server write out what is left to be written, so that no cell pays for another. */
  void checkpoint() throws SQLException {
    try (Connection connection = server.source(false).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("checkpoint");
    }
  }

  /** Submits many. */
  static void fill(QueueSystem queue, int tasks) throws Exception {
    for (int left = tasks; left > 0; left -= QueueSystem.SUBMIT_MAX) {
      queue.submit(Math.min(left, QueueSystem.SUBMIT_MAX));
    }
  }

  /** Work that calls this for each start. */
  @FunctionalInterface
  interface Working {
    AutoCloseable begin(LongConsumer started) throws Exception;
  }

  /** {@return tasks per second from the begin of the work until all have ended, as SQL tells} */
  static double drain(QueueSystem queue, int tasks) throws Exception {
    long from_ns = System.nanoTime();
    try (Counted counted = new Counted(queue::work, tasks)) {
      counted.await();
      awaitEnded(queue, tasks);
      double took_s = (System.nanoTime() - from_ns) / 1e9;
      if (counted.calls() != tasks) {
        throw new IOException(
            "%s called handlers %d times for %d tasks"
                .formatted(queue.name(), counted.calls(), tasks));
      }
      return tasks / took_s;
    }
  }

  /** {@return tasks per second from the begin of the work until so many have started} */
  static double starts(QueueSystem queue, int tasks) throws Exception {
    long from_ns = System.nanoTime();
    try (Counted counted = new Counted(queue::work, tasks)) {
      counted.await();
      return tasks / ((System.nanoTime() - from_ns) / 1e9);
    }
  }

  /** Waits until SQL says so. */
  static void awaitEnded(QueueSystem queue, long tasks) throws Exception {
    long until_ns = System.nanoTime() + TimeUnit.SECONDS.toNanos(DRAIN_MAX_S);
    long ended = queue.ended();
    while (ended < tasks && System.nanoTime() < until_ns) {
      LockSupport.parkNanos(LOOK_AGAIN_NS);
      ended = queue.ended();
    }
    if (ended != tasks) {
      throw new IOException("%s ended %d tasks of %d".formatted(queue.name(), ended, tasks));
    }
  }

  /** Work whose starts are counted. */
  private static final class Counted implements AutoCloseable {

    private final AtomicLong calls = new AtomicLong();
    private final CountDownLatch all = new CountDownLatch(1);
    private final long tasks;
    private final AutoCloseable work;

    Counted(Working working, long tasks) throws Exception {
      this.tasks = tasks;
      this.work = working.begin(this::started);
    }

    private void started(long n) {
      if (calls.incrementAndGet() == tasks) {
        all.countDown();
      }
    }

    long calls() {
      return calls.get();
    }

    void await() throws IOException, InterruptedException {
      if (!all.await(DRAIN_MAX_S, TimeUnit.SECONDS)) {
        throw new IOException("%d of %d tasks started".formatted(calls.get(), tasks));
      }
    }

    @Override
    public void close() throws Exception {
      work.close();
    }
  }

  /** A snapshot of a database, held until it is closed. */
  static AutoCloseable snapshot(DatabaseAddress database) throws SQLException {
    Connection connection = Sources.of(database).getConnection();
    connection.setAutoCommit(false);
    connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    try (Statement statement = connection.createStatement()) {
      statement.execute("select count(*) from pg_class");
    }
    return connection;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    for (WorkerJvm worker : workers.values()) {
      worker.close();
    }
  }
}
