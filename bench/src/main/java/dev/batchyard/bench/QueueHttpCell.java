package dev.batchyard.bench;

import dev.batchyard.bench.queue.BatchyardHttp;
import dev.batchyard.bench.queue.QueueSystem;
import dev.batchyard.bench.queue.QueueSystems;
import java.util.List;

/**
 * Tasks submitted over HTTP, ten thousand a request, one request after another, beside the limit's
 * bulk inserts without HTTP.
 */
final class QueueHttpCell implements QueueCell {

  private static final int TASKS = 100_000;
  private static final int PER_REQUEST = 10_000;

  @Override
  public String name() {
    return "http";
  }

  @Override
  public List<Bound> bounds() {
    return List.of(Bound.atLeast("queue.http.ratio_limit", 0.2, 0.35));
  }

  @Override
  public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
      throws Exception {
    int tasks = TASKS / (warmsUp ? 2 : 1);
    for (String system : systems) {
      if (system.equals(QueueSystems.BATCHYARD)) {
        try (BatchyardHttp http = new BatchyardHttp(lab.database(system))) {
          http.create();
          http.submit(1); // connections and plans
          lab.checkpoint();
          long from_ns = System.nanoTime();
          for (int left = tasks; left > 0; left -= PER_REQUEST) {
            http.submit(Math.min(left, PER_REQUEST));
          }
          add(samples, system, tasks, from_ns);
        }
      } else if (system.equals(QueueSystems.LIMIT)) {
        try (QueueSystem queue = lab.open(system)) {
          queue.create();
          queue.submit(1);
          lab.checkpoint();
          long from_ns = System.nanoTime();
          QueueLab.fill(queue, tasks);
          add(samples, system, tasks, from_ns);
        }
      }
    }
  }

  private static void add(Samples samples, String system, int tasks, long from_ns) {
    double took_s = (System.nanoTime() - from_ns) / 1e9;
    samples.add("queue.http." + system, tasks / took_s, "tasks/s");
  }

  @Override
  public void ratios(Figures figures) {
    figures.ratio(
        "queue.http.ratio_limit",
        "queue.http." + QueueSystems.BATCHYARD,
        "queue.http." + QueueSystems.LIMIT);
  }
}
