package dev.batchyard.bench;

import dev.batchyard.bench.queue.QueueSystem;
import dev.batchyard.bench.queue.QueueSystems;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One, two and four nodes, each a process of its own, with one backlog. */
final class QueueNodesCell implements QueueCell {

  private static final int TASKS = 200_000;
  private static final long DRAIN_MAX_S = 120;
  private static final long LOOK_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(10);

  private final List<Integer> order = new ArrayList<>(List.of(1, 2, 4));

  @Override
  public String name() {
    return "nodes";
  }

  @Override
  public List<Bound> bounds() {
    return List.of(
        Bound.atLeast("queue.nodes2.ratio_one", 0.9, 1),
        Bound.atLeast("queue.nodes4.ratio_one", 0.7, 0.9));
  }

  @Override
  public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
      throws Exception {
    if (!systems.contains(QueueSystems.BATCHYARD)) {
      return;
    }
    for (int nodes : order) {
      List<WorkerJvm> workers = new ArrayList<>();
      for (int i = 0; i < nodes; i++) {
        workers.add(lab.worker(QueueSystems.BATCHYARD, i));
      }
      try (QueueSystem queue = lab.open(QueueSystems.BATCHYARD)) {
        queue.create();
        QueueLab.fill(queue, TASKS);
        lab.checkpoint();
        samples.add("queue.nodes" + nodes + ".batchyard", drain(workers, queue, TASKS), "tasks/s");
      }
    }
    Collections.rotate(order, 1);
  }

  /** {@return tasks per second from the begin of their work until all have ended} */
  static double drain(List<WorkerJvm> workers, QueueSystem queue, int tasks) throws Exception {
    long from_ns = System.nanoTime();
    for (WorkerJvm worker : workers) {
      worker.work();
    }
    for (WorkerJvm worker : workers) {
      worker.working();
    }
    long started = 0;
    while (started < tasks) {
      Latencies.until(System.nanoTime() + LOOK_AGAIN_NS);
      started = 0;
      for (WorkerJvm worker : workers) {
        started += worker.count();
      }
      if (System.nanoTime() - from_ns > TimeUnit.SECONDS.toNanos(DRAIN_MAX_S)) {
        throw new IOException("%d tasks of %d started".formatted(started, tasks));
      }
    }
    QueueLab.awaitEnded(queue, tasks);
    double took_s = (System.nanoTime() - from_ns) / 1e9;
    for (WorkerJvm worker : workers) {
      worker.stop();
    }
    return tasks / took_s;
  }

  @Override
  public void ratios(Figures figures) {
    for (int nodes : List.of(2, 4)) {
      figures.ratio(
          "queue.nodes%d.ratio_one".formatted(nodes),
          "queue.nodes%d.batchyard".formatted(nodes),
          "queue.nodes1.batchyard");
    }
  }
}
