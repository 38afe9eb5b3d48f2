package dev.batchyard.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code ./dev bench import}: the time that a CSV file takes into a fresh table with a primary key,
 * by plain copy, by Batchyard through its engine with its defaults, and by Spring Batch. The cells
 * run in turn, in another order each round, each behind a checkpoint of the server. A first round
 * warms up the JVMs of all; it is printed and does not count.
 */
@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    description = "A CSV file into a table: plain copy, Batchyard, Spring Batch.")
final class ImportBench implements Callable<Integer> {

  private static final String TIME_RATIO = "import.csv.time_ratio_copy";
  private static final String SPRING_RATIO = "import.csv.ratio_spring_batch";
  private static final String RESIDENT = "import.csv.resident";
  private static final String SPRING_BEST = "import.csv.spring_best";
  private static final double RESIDENT_MAX_MB = 600;

  private static final List<Bound> BOUNDS =
      List.of(
          Bound.atMost(TIME_RATIO, 1.8, 1.4),
          Bound.atLeast(SPRING_RATIO, 2, 2.6),
          Bound.atMost(RESIDENT, RESIDENT_MAX_MB, RESIDENT_MAX_MB));

  private final PrintStream out = System.out;
  private final Figures figures = new Figures(out);

  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--rows", description = "rows of the generated file; 1,000,000 unless set")
  private long rows = 1_000_000;

  @Option(names = "--rounds", description = "rounds that count; 5 unless set")
  private int rounds = 5;

  @Option(
      names = "--cell",
      split = ",",
      description = "only these: copy, batchyard, spring-1000, spring-10000; all unless set")
  private List<String> only = List.of();

  @Override
  public Integer call() throws Exception {
    requireKnown();
    Machine.print(out);
    Path folder = Files.createTempDirectory("batchyard-bench");
    Path file = folder.resolve("rows.csv");
    try {
      CsvRows.write(file, rows);
      out.printf(
          Locale.ROOT,
          "# file: %,d rows of seven columns, %.1f MB, UTF-8%n",
          rows,
          Files.size(file) / 1e6);
      try (BenchServer server = BenchServer.start(folder, out);
          Tables tables = new Tables(server);
          ImportCells cells = ImportCells.start(server, only, out)) {
        out.printf(Locale.ROOT, "# a flush: %.2f ms%n", tables.flush_ms());
        measure(file, tables, cells);
      }
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(folder);
    }
    out.println("# at the end: " + Machine.load());
    return report();
  }

  private void requireKnown() {
    List<String> known = new ArrayList<>(List.of(ImportCells.COPY, ImportCells.BATCHYARD));
    known.addAll(ImportCells.SPRING);
    if (!known.containsAll(only)) {
      throw wrong("--cell: '%s' must be of %s".formatted(String.join(",", only), known));
    }
    only = only.isEmpty() ? known : only;
    if (rows < 1 || rounds < 1) {
      throw wrong("--rows and --rounds must be 1 or more");
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(Objects.requireNonNull(spec).commandLine(), message);
  }

  private void measure(Path file, Tables tables, ImportCells cells) throws Exception {
    List<String> order = new ArrayList<>(cells.names());
    for (int round = 0; round <= rounds; round++) {
      out.printf("round %d%s, %s%n", round, round == 0 ? " (warms up)" : "", Machine.load());
      double springBest_s = Double.POSITIVE_INFINITY;
      for (String name : order) {
        double took_s = one(name, round > 0, file, tables, cells);
        if (ImportCells.SPRING.contains(name)) {
          springBest_s = Math.min(springBest_s, took_s);
        }
      }
      if (round > 0 && Double.isFinite(springBest_s)) {
        figures.add(SPRING_BEST + ".time", springBest_s, "s");
      }
      Collections.rotate(order, 1);
    }
    if (cells.peakResident_mb().isPresent()) {
      figures.add(RESIDENT, cells.peakResident_mb().getAsDouble(), "MB");
    }
    figures.ratio(TIME_RATIO, "import.csv.batchyard.time", "import.csv.copy.time");
    figures.ratio(SPRING_RATIO, SPRING_BEST + ".time", "import.csv.batchyard.time");
  }

  /** Runs one cell into a fresh table and makes sure that every row is there. */
  private double one(String cell, boolean counts, Path file, Tables tables, ImportCells cells)
      throws Exception {
    String table = "public.import_" + cell.replace('-', '_');
    tables.make(table, CsvRows.TABLE);
    long before = tables.walBytes();
    ImportCells.Took took = cells.get(cell).run(file, table);
    double walBytes = (double) (tables.walBytes() - before) / rows;
    requireAll(cell, table, tables);
    tables.drop(table);
    String name = "import.csv." + cell;
    if (counts) {
      figures.add(name + ".time", took.all_s(), "s");
      took.handler_s().ifPresent(s -> figures.add(name + ".time_from_start", s, "s"));
      figures.add(name + ".rate", rows / took.all_s(), "rows/s");
      figures.add(name + ".wal", walBytes, "bytes/row");
    } else {
      out.printf(Locale.ROOT, "  %-44s %12.3f s%n", name + ".time (not counted)", took.all_s());
    }
    return took.all_s();
  }

  private void requireAll(String cell, String table, Tables tables)
      throws IOException, SQLException {
    long count = tables.count(table);
    if (count != rows) {
      throw new IOException(cell + " left " + count + " rows of " + rows);
    }
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
