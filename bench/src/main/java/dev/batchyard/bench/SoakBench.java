package dev.batchyard.bench;

import dev.batchyard.bench.queue.BatchyardQueue;
import dev.batchyard.bench.queue.QueueSystems;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code ./dev bench soak}: tasks at half of the rate at which a warm node drains, for a long time.
 * Whether the node can drain as fast afterwards as before, whether single tasks start as soon in
 * the last sixth as in the first, and whether the tables whose rows come and go stay small.
 */
@Command(
    name = "soak",
    mixinStandardHelpOptions = true,
    description = "Tasks at half of the rate of a drain, for a long time.")
final class SoakBench implements Callable<Integer> {

  private static final List<Bound> BOUNDS =
      List.of(
          Bound.atLeast("queue.soak.ratio_last_first", 0.9, 0.95),
          Bound.atLeast("queue.soak.served_last", 0.98, 0.99),
          Bound.atMost("queue.soak.size_ratio", 3, 2));

  private static final int DRAINED = 200_000;
  private static final int DRAINS = 3;
  private static final int PARTS = 6;
  private static final int PER_S = 50;

  private final PrintStream out = System.out;
  private final Figures figures = new Figures(out);

  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--minutes", description = "how long; 30 unless set")
  private int minutes = 30;

  @Override
  public Integer call() throws Exception {
    if (minutes < 1) {
      throw new ParameterException(
          Objects.requireNonNull(spec).commandLine(), "--minutes must be 1 or more");
    }
    Machine.print(out);
    Path folder = Files.createTempDirectory("batchyard-bench");
    try (BenchServer server = BenchServer.start(folder, out);
        QueueLab lab = new QueueLab(server)) {
      List<WorkerJvm> workers = List.of(lab.worker(QueueSystems.BATCHYARD, 0));
      try (BatchyardQueue queue = lab.openBatchyard()) {
        out.printf("# batchyard: %s%n", queue.settings());
        WarmNodes.warm(queue, workers);
        try (WarmNodes nodes = WarmNodes.start(lab, queue, workers)) {
          double drain = drain(nodes, "queue.soak.drain_first");
          HotTables tables = new HotTables(lab.database(QueueSystems.BATCHYARD));
          soak(nodes, queue, workers.getFirst().startedNs(), tables, drain / 2);
          double last = drain(nodes, "queue.soak.drain_last");
          figures.add("queue.soak.ratio_last_first", last / drain, "x");
        }
      }
    } finally {
      Files.deleteIfExists(folder);
    }
    out.println("# at the end: " + Machine.load());
    return report();
  }

  /** {@return what the node can do: the median of some drains of the same backlog} */
  private double drain(WarmNodes nodes, String figure) throws Exception {
    double[] rates = new double[DRAINS];
    for (int i = 0; i < DRAINS; i++) {
      rates[i] = nodes.drain(DRAINED);
      out.printf(Locale.ROOT, "# %s: %.0f tasks/s, %s%n", figure, rates[i], Machine.load());
    }
    Arrays.sort(rates);
    figures.add(figure, rates[DRAINS / 2], "tasks/s");
    return rates[DRAINS / 2];
  }

  private void soak(
      WarmNodes nodes,
      BatchyardQueue queue,
      Map<Long, Long> startedNs,
      HotTables tables,
      double perS)
      throws Exception {
    long part_ns = TimeUnit.MINUTES.toNanos(minutes) / PARTS;
    int perPart = minutes * 60 * PER_S / PARTS;
    Latencies latencies = new Latencies(PER_S, perPart * PARTS);
    long submitted;
    double served = 0;
    try (ExecutorService single = Executors.newSingleThreadExecutor();
        SteadyStream stream = new SteadyStream(queue, perS)) {
      Future<?> singles =
          single.submit(() -> {
            latencies.submit(queue);
            return null;
          });
      long from_ns = System.nanoTime();
      for (int part = 0; part < PARTS; part++) {
        long startedBefore = nodes.started();
        long begin_ns = System.nanoTime();
        Latencies.until(from_ns + (part + 1) * part_ns);
        served = (nodes.started() - startedBefore) / ((System.nanoTime() - begin_ns) / 1e9);
        out.printf(
            Locale.ROOT,
            "# part %d of %d: %.0f tasks/s, %s%n",
            part + 1,
            PARTS,
            served,
            Machine.load());
        if (part == 0) {
          figures.add("queue.soak.size_first", tables.measure(out).bytes() / 1e6, "MB");
        }
      }
      HotTables.Sizes sizes = tables.measure(out);
      figures.add("queue.soak.size_last", sizes.bytes() / 1e6, "MB");
      figures.add("queue.soak.size_ratio", sizes.ratio(), "x");
      figures.add("queue.soak.submitted", stream.rate(), "tasks/s");
      singles.get();
      var _ = latencies.await(startedNs);
      submitted = stream.stop() + (long) perPart * PARTS;
    }
    nodes.awaitOthers(submitted);
    figures.add("queue.soak.served_last", served / perS, "x");
    double[] first_ms = latencies.took_ms(startedNs, 1, perPart);
    double[] last_ms = latencies.took_ms(startedNs, perPart * (PARTS - 1) + 1, perPart * PARTS);
    figures.add("queue.soak.p99_first", Latencies.percentile(first_ms, 0.99), "ms");
    figures.add("queue.soak.p99_last", Latencies.percentile(last_ms, 0.99), "ms");
  }

  private int report() {
    figures.print();
    boolean held = true;
    for (Bound bound : BOUNDS) {
      out.println(bound.verdict(figures.median(bound.figure())));
      held &= figures.median(bound.figure()).stream().allMatch(bound::holds);
    }
    return held ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }
}
