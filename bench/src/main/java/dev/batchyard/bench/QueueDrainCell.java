package dev.batchyard.bench;

import dev.batchyard.bench.queue.QueueSystem;
import java.util.List;
import java.util.Map;

/**
 * A backlog of tasks that do nothing, worked off by one node: from the begin of its work until all
 * have ended.
 */
final class QueueDrainCell implements QueueCell {

  private static final int TASKS = 100_000;
  private static final Map<String, Integer> TASKS_OF_SLOW =
      Map.of("jobrunr", 20_000, "quartz", 2_000);

  @Override
  public String name() {
    return "drain";
  }

  @Override
  public List<Bound> bounds() {
    return List.of(
        Bound.atLeast("queue.drain.ratio_limit", 0.28, 0.45),
        Bound.atLeast("queue.drain.ratio_db_scheduler", 3, 5.5),
        Bound.atLeast("queue.drain.ratio_jobrunr", 10, 10));
  }

  @Override
  public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
      throws Exception {
    for (String system : systems) {
      int tasks = TASKS_OF_SLOW.getOrDefault(system, TASKS) / (warmsUp ? 2 : 1);
      try (QueueSystem queue = lab.open(system)) {
        queue.create();
        QueueLab.fill(queue, tasks);
        lab.checkpoint();
        samples.add("queue.drain." + system, QueueLab.drain(queue, tasks), "tasks/s");
      }
    }
  }

  @Override
  public void ratios(Figures figures) {
    QueueRatios.ofRates(figures, name());
  }
}
