package dev.batchyard.bench;

import dev.batchyard.bench.layout.Layout;
import dev.batchyard.bench.layout.RangesLayout;
import dev.batchyard.bench.layout.RowLayout;
import dev.batchyard.store.Store;
import dev.batchyard.store.server.DatabaseAddress;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code ./dev bench layouts}: tasks submitted in bulk and drained through the same engine, with a
 * row per task in one table (a), with rows that move to a history (b), and with the product's
 * ranges. Each cell has a fresh schema and begins behind a checkpoint; the layouts take turns, in
 * another order each round. A first round warms up and does not count.
 */
@Command(
    name = "layouts",
    mixinStandardHelpOptions = true,
    description = "Layouts of the queue's tables, through the same engine.")
final class LayoutsBench implements Callable<Integer> {

  static final Map<String, BiFunction<Store, DataSource, Layout>> LAYOUTS =
      Map.of(
          "a", (store, source) -> RowLayout.inPlace(source),
          "b", (store, source) -> RowLayout.moving(source),
          "ranges", RangesLayout::new);

  private final PrintStream out = System.out;
  private final Figures figures = new Figures(out);

  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--tasks", description = "tasks of a cell; 100,000 unless set")
  private int tasks = 100_000;

  @Option(names = "--rounds", description = "rounds that count; 5 unless set")
  private int rounds = 5;

  @Override
  public Integer call() throws Exception {
    if (tasks < 1 || rounds < 1) {
      throw new ParameterException(
          Objects.requireNonNull(spec).commandLine(), "--tasks and --rounds must be 1 or more");
    }
    Machine.print(out);
    out.println("# this JVM: " + Machine.jvmSettings());
    Path folder = Files.createTempDirectory("batchyard-bench");
    try (BenchServer server = BenchServer.start(folder, out);
        Tables tables = new Tables(server)) {
      out.printf(Locale.ROOT, "# a flush: %.2f ms%n", tables.flush_ms());
      measure(server, tables);
    } finally {
      Files.deleteIfExists(folder);
    }
    out.println("# at the end: " + Machine.load());
    figures.print();
    return CommandLine.ExitCode.OK;
  }

  private void measure(BenchServer server, Tables tables) throws Exception {
    List<String> order = new ArrayList<>(LAYOUTS.keySet().stream().sorted().toList());
    for (int round = 0; round <= rounds; round++) {
      out.printf("round %d%s, %s%n", round, round == 0 ? " (warms up)" : "", Machine.load());
      for (String name : order) {
        cell(name, round > 0, server, tables);
      }
      Collections.rotate(order, 1);
    }
    for (String figure : List.of("submit", "drain", "wal_submit", "wal_drain")) {
      for (String name : List.of("b", "ranges")) {
        String of = "layouts.%s.%s".formatted(name, figure);
        figures.ratio(of + "_ratio_a", of, "layouts.a." + figure);
      }
    }
  }

  private void cell(String name, boolean counts, BenchServer server, Tables tables)
      throws Exception {
    DatabaseAddress at = server.database("bench_layouts");
    try (LayoutNode node = LayoutNode.fresh(at, Objects.requireNonNull(LAYOUTS.get(name)))) {
      checkpoint(server);
      part(name + ".", "submit", counts, tables, () -> node.submit(tasks));
      checkpoint(server);
      part(name + ".", "drain", counts, tables, () -> node.drain(tasks));
    }
  }

  /** Something that is measured. */
  @FunctionalInterface
  private interface Part {
    double took_s() throws Exception;
  }

  private void part(String cell, String name, boolean counts, Tables tables, Part part)
      throws Exception {
    long wal = tables.walBytes();
    double took_s = part.took_s();
    double perTask = (double) (tables.walBytes() - wal) / tasks;
    if (counts) {
      figures.add("layouts." + cell + name, tasks / took_s, "tasks/s");
      figures.add("layouts." + cell + "wal_" + name, perTask, "bytes/task");
    }
  }

  private static void checkpoint(BenchServer server) throws Exception {
    try (Connection connection = server.source(false).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("checkpoint");
    }
  }
}
