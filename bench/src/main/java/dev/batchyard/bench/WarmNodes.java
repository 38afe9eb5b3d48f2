package dev.batchyard.bench;

import dev.batchyard.api.NewTask;
import dev.batchyard.bench.queue.BatchyardQueue;
import dev.batchyard.engine.port.Queues;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Nodes of Batchyard in JVMs of their own that are compiled, connected and idle before a clock
 * starts: what is measured is work, not the start of a JVM.
 */
final class WarmNodes implements AutoCloseable {

  private static final int EACH_ALONE = 50_000;
  private static final int EACH_TOGETHER = 2_000;
  private static final long DRAIN_MAX_S = 120;
  private static final long LOOK_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final String BY = "bench";

  private final QueueLab lab;
  private final BatchyardQueue queue;
  private final List<WorkerJvm> workers;
  private long submitted;

  private WarmNodes(QueueLab lab, BatchyardQueue queue, List<WorkerJvm> workers) {
    this.lab = lab;
    this.queue = queue;
    this.workers = workers;
  }

  /** Lets each JVM work off the same number of tasks, alone; the tables are made anew. */
  static void warm(BatchyardQueue queue, List<WorkerJvm> workers) throws Exception {
    queue.create();
    int ended = 0;
    for (WorkerJvm worker : workers) {
      QueueLab.fill(queue, EACH_ALONE);
      worker.work();
      worker.working();
      ended += EACH_ALONE;
      QueueLab.awaitEnded(queue, ended);
      worker.stop();
    }
  }

  /**
   * Makes the tables anew, starts the nodes and gives them a few tasks, so that each has its
   * connections and plans; then they are idle.
   */
  static WarmNodes start(QueueLab lab, BatchyardQueue queue, List<WorkerJvm> workers)
      throws Exception {
    queue.create();
    for (WorkerJvm worker : workers) {
      worker.work();
    }
    for (WorkerJvm worker : workers) {
      worker.working();
    }
    WarmNodes nodes = new WarmNodes(lab, queue, workers);
    nodes.fill(EACH_TOGETHER * workers.size());
    nodes.awaitEnded();
    return nodes;
  }

  private void fill(int tasks) throws Exception {
    QueueLab.fill(queue, tasks);
    submitted += tasks;
  }

  /**
   * Pauses the queue, submits a backlog and resumes the queue.
   *
   * @return tasks per second from then until SQL says that all have ended
   */
  double drain(int tasks) throws Exception {
    Queues queues = queue.queues();
    require(queues.pause(NewTask.DEFAULT_QUEUE, BY));
    fill(tasks);
    lab.checkpoint();
    long from_ns = System.nanoTime();
    require(queues.resume(NewTask.DEFAULT_QUEUE));
    awaitEnded();
    return tasks / ((System.nanoTime() - from_ns) / 1e9);
  }

  /** Counts tasks in that others submitted, and waits until all have ended. */
  void awaitOthers(long tasks) throws Exception {
    submitted += tasks;
    awaitEnded();
  }

  private static void require(Queues.Change change) throws IOException {
    if (change != Queues.Change.DONE) {
      throw new IOException("the queue was not paused or not resumed: " + change);
    }
  }

  /** By the nodes' own counts first, which cost the server nothing. */
  private void awaitEnded() throws Exception {
    long until_ns = System.nanoTime() + TimeUnit.SECONDS.toNanos(DRAIN_MAX_S);
    long started = started();
    while (started < submitted) {
      if (System.nanoTime() > until_ns) {
        throw new IOException("%d tasks of %d started".formatted(started, submitted));
      }
      Latencies.until(System.nanoTime() + LOOK_AGAIN_NS);
      started = started();
    }
    QueueLab.awaitEnded(queue, submitted);
  }

  /** {@return the handler calls of all nodes so far} */
  long started() throws IOException, InterruptedException {
    long started = 0;
    for (WorkerJvm worker : workers) {
      started += worker.count();
    }
    return started;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    for (WorkerJvm worker : workers) {
      worker.stop();
    }
  }
}
