package dev.batchyard.bench;

import dev.batchyard.bench.queue.BatchyardQueue;
import dev.batchyard.bench.queue.QueueSystems;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * One, two and four nodes, each a process of its own, with one backlog. All JVMs have worked off
 * the same number of tasks before; the nodes are idle when the backlog appears.
 */
final class QueueNodesCell implements QueueCell {

  private static final int TASKS = 200_000;
  private static final List<Integer> COUNTS = List.of(1, 2, 4);

  private final List<Integer> order = new ArrayList<>(COUNTS);

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
    List<WorkerJvm> workers = new ArrayList<>();
    for (int i = 0; i < Collections.max(COUNTS); i++) {
      workers.add(lab.worker(QueueSystems.BATCHYARD, i));
    }
    try (BatchyardQueue queue = lab.openBatchyard()) {
      WarmNodes.warm(queue, workers);
      for (int count : order) {
        try (WarmNodes nodes = WarmNodes.start(lab, queue, workers.subList(0, count))) {
          samples.add("queue.nodes" + count + ".batchyard", nodes.drain(TASKS), "tasks/s");
        }
      }
    }
    Collections.rotate(order, 1);
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
