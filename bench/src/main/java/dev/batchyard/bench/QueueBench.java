package dev.batchyard.bench;

import dev.batchyard.bench.queue.QueueSystem;
import dev.batchyard.bench.queue.QueueSystems;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code ./dev bench queue}: submitting, draining and starting tasks that do nothing, by bare
 * statements (the limit), by Batchyard and by its peers, each over a database of its own on one
 * server. Cells run one after another, the queues within a cell in turn, in another order each
 * round. A first round warms up and does not count.
 */
@Command(
    name = "queue",
    mixinStandardHelpOptions = true,
    description = "Tasks through a queue: bare statements, Batchyard, its peers.")
final class QueueBench implements Callable<Integer> {

  private static final List<QueueCell> CELLS =
      List.of(
          new QueueSubmitCells.Bulk(),
          new QueueHttpCell(),
          new QueueSubmitCells.Single(16),
          new QueueSubmitCells.Single(1),
          new QueueDrainCell(),
          new QueueLatencyCell(),
          new QueueLatencyCell.SameProcess(),
          new QueueLatencyCell.HalfRate(),
          QueueBacklogCells.million(),
          QueueBacklogCells.history(),
          QueueBacklogCells.pool(),
          QueueBacklogCells.label(),
          QueueBacklogCells.snapshot(),
          new QueueNodesCell(),
          new QueueIdleCell(),
          new QueueIdleNodesCell());

  private final PrintStream out = System.out;
  private final Figures figures = new Figures(out);
  private final Set<String> failed = new LinkedHashSet<>();

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--rounds",
      description = "rounds that count, 3 at most in long cells; 5 unless set")
  private int rounds = 5;

  @Option(names = "--cell", split = ",", description = "only these; all unless set")
  private List<String> only = List.of();

  @Option(names = "--queue", split = ",", description = "only these queues; all unless set")
  private List<String> systems = List.of();

  @Override
  public Integer call() throws Exception {
    List<QueueCell> cells = chosen();
    Machine.print(out);
    out.println("# this JVM: " + Machine.jvmSettings());
    Path folder = Files.createTempDirectory("batchyard-bench");
    try (BenchServer server = BenchServer.start(folder, out);
        Tables tables = new Tables(server);
        QueueLab lab = new QueueLab(server)) {
      out.printf(Locale.ROOT, "# a flush: %.2f ms%n", tables.flush_ms());
      for (String name : systems) {
        try (QueueSystem queue = lab.open(name)) {
          out.printf(
              "# %s: %s; JVM of a worker: %s%n",
              name, queue.settings(), String.join(" ", queue.workerOptions()));
        }
      }
      measure(lab, cells);
    } finally {
      Files.deleteIfExists(folder);
    }
    out.println("# at the end: " + Machine.load());
    return report(cells);
  }

  private List<QueueCell> chosen() {
    List<String> names = CELLS.stream().map(QueueCell::name).toList();
    only = only.isEmpty() ? names : only;
    systems = systems.isEmpty() ? QueueSystems.names() : systems;
    refuseUnlessAll("--cell", names, only);
    refuseUnlessAll("--queue", QueueSystems.names(), systems);
    if (rounds < 1) {
      throw wrong("--rounds must be 1 or more");
    }
    return CELLS.stream().filter(cell -> only.contains(cell.name())).toList();
  }

  private void refuseUnlessAll(String option, List<String> known, List<String> given) {
    if (!known.containsAll(given)) {
      throw wrong("%s: '%s' must be of %s".formatted(option, String.join(",", given), known));
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(Objects.requireNonNull(spec).commandLine(), message);
  }

  private void measure(QueueLab lab, List<QueueCell> cells) throws Exception {
    List<String> order = new ArrayList<>(systems);
    for (int round = 0; round <= rounds; round++) {
      boolean warmsUp = round == 0;
      out.printf("round %d%s, %s%n", round, warmsUp ? " (warms up)" : "", Machine.load());
      QueueCell.Samples samples = warmsUp ? this::tell : figures::add;
      for (QueueCell cell : cells) {
        if (round <= cell.roundsMax() && !failed.contains(cell.name())) {
          round(lab, cell, List.copyOf(order), warmsUp, samples);
        }
      }
      Collections.rotate(order, 1);
    }
    cells.forEach(cell -> cell.ratios(figures));
  }

  // A cell that fails is left out from then on, so that the figures of the others are not lost.
  private void round(
      QueueLab lab, QueueCell cell, List<String> order, boolean warmsUp, QueueCell.Samples samples)
      throws InterruptedException {
    try {
      cell.round(lab, order, warmsUp, samples);
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      failed.add(cell.name());
      out.println("FAILED: cell " + cell.name());
      e.printStackTrace(out);
    }
  }

  private void tell(String figure, double value, String unit) {
    out.printf(Locale.ROOT, "  %-44s %12.3f %s%n", figure + " (not counted)", value, unit);
  }

  private int report(List<QueueCell> cells) {
    figures.print();
    boolean held = failed.isEmpty();
    for (QueueCell cell : cells) {
      for (Bound bound : cell.bounds()) {
        out.println(bound.verdict(figures.median(bound.figure())));
        held &= figures.median(bound.figure()).stream().allMatch(bound::holds);
      }
    }
    return held ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }
}
