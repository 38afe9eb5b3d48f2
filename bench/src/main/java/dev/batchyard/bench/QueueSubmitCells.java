package dev.batchyard.bench;

import dev.batchyard.bench.queue.QueueSystem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Tasks submitted while nobody works. */
final class QueueSubmitCells {

  private QueueSubmitCells() {}

  /** A thousand a call, one caller. */
  static final class Bulk implements QueueCell {

    private static final int TASKS = 200_000;
    private static final Map<String, Integer> TASKS_OF_SLOW =
        Map.of("jobrunr", 60_000, "quartz", 2_000);

    @Override
    public String name() {
      return "bulk";
    }

    @Override
    public List<Bound> bounds() {
      return List.of(
          Bound.atLeast("queue.bulk.ratio_limit", 0.5, 0.85),
          Bound.atLeast("queue.bulk.ratio_jobrunr", 2, 2),
          Bound.toReach("queue.bulk.ratio_db_scheduler", false, 1));
    }

    @Override
    public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
        throws Exception {
      for (String system : systems) {
        int tasks = TASKS_OF_SLOW.getOrDefault(system, TASKS) / (warmsUp ? 4 : 1);
        try (QueueSystem queue = lab.open(system)) {
          queue.create();
          queue.submit(1); // connections and plans
          lab.checkpoint();
          long from_ns = System.nanoTime();
          QueueLab.fill(queue, tasks);
          double took_s = (System.nanoTime() - from_ns) / 1e9;
          samples.add("queue.bulk." + system, tasks / took_s, "tasks/s");
        }
      }
    }

    @Override
    public void ratios(Figures figures) {
      QueueRatios.ofRates(figures, name());
    }
  }

  /** One a call. */
  static final class Single implements QueueCell {

    private static final long FOR_S = 3;

    private final int callers;

    Single(int callers) {
      this.callers = callers;
    }

    @Override
    public String name() {
      return "single" + callers;
    }

    @Override
    public List<Bound> bounds() {
      return callers == 1
          ? List.of(Bound.atLeast("queue.single1.ratio_limit", 0.55, 0.8))
          : List.of(
              Bound.atLeast("queue.single16.ratio_limit", 0.7, 2),
              Bound.atLeast("queue.single16.ratio_db_scheduler", 1, 1));
    }

    @Override
    public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
        throws Exception {
      for (String system : systems) {
        try (QueueSystem queue = lab.open(system);
            ExecutorService threads = Executors.newFixedThreadPool(callers)) {
          queue.create();
          var _ = submitted(queue, threads, TimeUnit.SECONDS.toNanos(1) / 4);
          lab.checkpoint();
          long from_ns = System.nanoTime();
          long tasks =
              submitted(queue, threads, TimeUnit.SECONDS.toNanos(FOR_S) / (warmsUp ? 2 : 1));
          double took_s = (System.nanoTime() - from_ns) / 1e9;
          samples.add("queue.%s.%s".formatted(name(), system), tasks / took_s, "tasks/s");
        }
      }
    }

    private long submitted(QueueSystem queue, ExecutorService threads, long for_ns)
        throws Exception {
      long until_ns = System.nanoTime() + for_ns;
      List<Callable<Long>> calls = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        calls.add(() -> {
          long done = 0;
          while (System.nanoTime() < until_ns) {
            done++;
            queue.submitOne(done);
          }
          return done;
        });
      }
      long all = 0;
      for (Future<Long> each : threads.invokeAll(calls)) {
        all += each.get();
      }
      return all;
    }

    @Override
    public void ratios(Figures figures) {
      QueueRatios.ofRates(figures, name());
    }
  }
}
