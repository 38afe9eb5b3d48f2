package dev.batchyard.bench;

import dev.batchyard.bench.queue.BatchyardQueue;
import dev.batchyard.bench.queue.QueueSystem;
import dev.batchyard.bench.queue.QueueSystems;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * From the call of a submit to the start of the task in another process that is idle, 50 a second.
 * Both clocks are one.
 */
final class QueueLatencyCell implements QueueCell {

  private static final Map<String, Integer> SAMPLES =
      Map.of(QueueSystems.BATCHYARD, 3_334, QueueSystems.LIMIT, 1_000);
  private static final int SAMPLES_OF_PEERS = 500;
  private static final int SAMPLES_WARMING = 250;
  private static final int PER_S = 50;

  private final List<Double> all_ms = new ArrayList<>();

  @Override
  public String name() {
    return "latency";
  }

  @Override
  public int roundsMax() {
    return ROUNDS_OF_LONG;
  }

  @Override
  public List<Bound> bounds() {
    return List.of(
        Bound.atMost("queue.latency.p50_ratio_limit", 2, 1.4),
        Bound.atMost("queue.latency.p99", 15, 15),
        Bound.toReach("queue.latency.p99_ratio_limit", true, 1.5),
        Bound.atMost("queue.latency.p999", 100, 100));
  }

  @Override
  public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
      throws Exception {
    for (String system : systems) {
      if (system.equals(QueueSystems.LIMIT_BARE)) {
        continue; // its inserts say what there is to say
      }
      int count = warmsUp ? SAMPLES_WARMING : SAMPLES.getOrDefault(system, SAMPLES_OF_PEERS);
      WorkerJvm worker = lab.worker(system, 0);
      try (QueueSystem queue = lab.openWaking(system)) {
        queue.create();
        worker.work();
        worker.working();
        Latencies latencies = new Latencies(PER_S, count);
        latencies.submit(queue);
        double[] took_ms = latencies.await(worker.startedNs());
        worker.stop();
        String name = "queue.latency." + system;
        samples.add(name + ".p50", Latencies.percentile(took_ms, 0.5), "ms");
        samples.add(name + ".p99", Latencies.percentile(took_ms, 0.99), "ms");
        if (system.equals(QueueSystems.BATCHYARD)) {
          samples.add("queue.latency.p99", Latencies.percentile(took_ms, 0.99), "ms");
          keep(took_ms, warmsUp);
        }
      }
    }
  }

  private void keep(double[] took_ms, boolean warmsUp) {
    if (!warmsUp) {
      for (double ms : took_ms) {
        all_ms.add(ms);
      }
    }
  }

  @Override
  public void ratios(Figures figures) {
    for (String percentile : List.of("p50", "p99")) {
      for (String system : QueueSystems.names()) {
        if (!system.equals(QueueSystems.BATCHYARD)) {
          figures.ratio(
              "queue.latency.%s_ratio_%s".formatted(percentile, system),
              "queue.latency.%s.%s".formatted(QueueSystems.BATCHYARD, percentile),
              "queue.latency.%s.%s".formatted(system, percentile));
        }
      }
    }
    if (!all_ms.isEmpty()) { // too rare for one round
      double[] sorted = all_ms.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      figures.add("queue.latency.p999", Latencies.percentile(sorted, 0.999), "ms");
    }
  }

  /** The same with submitter and worker in one process. */
  static final class SameProcess implements QueueCell {

    private static final int COUNT = 500;

    @Override
    public String name() {
      return "latency_same_process";
    }

    @Override
    public List<Bound> bounds() {
      return List.of(Bound.atMost("queue.latency_same_process.p50", 2.5, 1.5));
    }

    @Override
    public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
        throws Exception {
      if (!systems.contains(QueueSystems.BATCHYARD)) {
        return;
      }
      Map<Long, Long> startedNs = new ConcurrentHashMap<>();
      try (QueueSystem queue = lab.openWaking(QueueSystems.BATCHYARD)) {
        queue.create();
        Latencies latencies = new Latencies(PER_S, warmsUp ? SAMPLES_WARMING : COUNT);
        try (AutoCloseable _ = queue.work(n -> startedNs.put(n, System.nanoTime()))) {
          latencies.submit(queue);
          double[] took_ms = latencies.await(startedNs);
          samples.add("queue.latency_same_process.p50", Latencies.percentile(took_ms, 0.5), "ms");
          samples.add("queue.latency_same_process.p99", Latencies.percentile(took_ms, 0.99), "ms");
        }
      }
    }

    @Override
    public void ratios(Figures figures) {}
  }

  /** The same while the node is kept at half of the rate at which it drains. */
  static final class HalfRate implements QueueCell {

    private static final int DRAINED = 100_000;
    private static final int COUNT = 750;

    @Override
    public String name() {
      return "latency_half_rate";
    }

    @Override
    public int roundsMax() {
      return ROUNDS_OF_LONG;
    }

    @Override
    public List<Bound> bounds() {
      return List.of(Bound.atMost("queue.latency_half_rate.p99", 50, 20));
    }

    @Override
    public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
        throws Exception {
      if (!systems.contains(QueueSystems.BATCHYARD)) {
        return;
      }
      List<WorkerJvm> workers = List.of(lab.worker(QueueSystems.BATCHYARD, 0));
      try (BatchyardQueue queue = lab.openBatchyard();
          WarmNodes nodes = WarmNodes.start(lab, queue, workers)) {
        double rate = nodes.drain(DRAINED);
        Latencies latencies = new Latencies(PER_S, warmsUp ? SAMPLES_WARMING : COUNT);
        double[] took_ms;
        try (SteadyStream stream = new SteadyStream(queue, rate / 2)) {
          latencies.submit(queue);
          took_ms = latencies.await(workers.getFirst().startedNs());
          samples.add("queue.latency_half_rate.rate", stream.rate(), "tasks/s");
        }
        samples.add("queue.latency_half_rate.p50", Latencies.percentile(took_ms, 0.5), "ms");
        samples.add("queue.latency_half_rate.p99", Latencies.percentile(took_ms, 0.99), "ms");
      }
    }

    @Override
    public void ratios(Figures figures) {}
  }
}
