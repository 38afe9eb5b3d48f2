package dev.batchyard.bench;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.DriverInfo;
import org.springframework.batch.core.job.Job;

/** The programs that the import benchmark compares, each ready to run again and again. */
final class ImportCells implements AutoCloseable {

  static final String COPY = "copy";
  static final String BATCHYARD = "batchyard";
  static final List<String> SPRING = List.of("spring-1000", "spring-10000");

  /** Two connections: Spring Batch holds one for a chunk and may want one beside it. */
  private static final int POOL = 2;

  private final Map<String, Cell> byName = new LinkedHashMap<>();
  private @Nullable NodeJvm node;
  private @Nullable HikariDataSource pool;

  /** Imports a file into a table. */
  @FunctionalInterface
  interface Cell {
    Took run(Path file, String table) throws Exception;
  }

  /**
   * How long an import took.
   *
   * @param all_s from asking for it until its end was durable and known to who asked
   * @param handler_s the same from the start of the attempt, where there is such a thing
   */
  record Took(double all_s, OptionalDouble handler_s) {}

  private ImportCells() {}

  /**
   * Starts what they need and says with which settings.
   *
   * @param only the names of those to start
   */
  static ImportCells start(BenchServer server, List<String> only, PrintStream out)
      throws Exception {
    ImportCells cells = new ImportCells();
    try {
      if (only.contains(COPY)) {
        cells.addCopy(server, out);
      }
      if (only.contains(BATCHYARD)) {
        cells.addBatchyard(server, out);
      }
      if (SPRING.stream().anyMatch(only::contains)) {
        cells.addSpring(server, only, out);
      }
      return cells;
    } catch (Exception e) {
      cells.close();
      throw e;
    }
  }

  private void addCopy(BenchServer server, PrintStream out) {
    PlainCopy copy = new PlainCopy(server.source(false));
    out.printf("# %s: %s, one statement, one transaction%n", COPY, copy.program());
    byName.put(COPY, timed(copy::run));
  }

  private void addBatchyard(BenchServer server, PrintStream out)
      throws IOException, InterruptedException {
    NodeJvm started = NodeJvm.start(server.folder().root());
    node = started;
    out.printf(
        "# %s: data.import with its defaults (chunks of 1000), in a JVM with %s%n",
        BATCHYARD, String.join(" ", started.options()));
    byName.put(BATCHYARD, started::run);
  }

  private void addSpring(BenchServer server, List<String> only, PrintStream out) throws Exception {
    HikariConfig config = new HikariConfig();
    config.setDataSource(server.source(true));
    config.setMaximumPoolSize(POOL);
    HikariDataSource opened = new HikariDataSource(config);
    pool = opened;
    SpringBatchImport spring = new SpringBatchImport(opened);
    out.printf(
        "# spring: Spring Batch %s, PgJDBC %s with reWriteBatchedInserts, HikariCP; in a JVM with %s%n",
        Job.class.getPackage().getImplementationVersion(),
        DriverInfo.DRIVER_VERSION,
        Machine.jvmSettings());
    for (String name : SPRING) {
      if (only.contains(name)) {
        int chunkRows = Integer.parseInt(name.substring(name.indexOf('-') + 1));
        byName.put(name, timed((file, table) -> spring.run(file, table, chunkRows)));
      }
    }
  }

  /** Does it without telling how long it took. */
  @FunctionalInterface
  private interface Untimed {
    void run(Path file, String table) throws Exception;
  }

  private static Cell timed(Untimed work) {
    return (file, table) -> {
      long from_ns = System.nanoTime();
      work.run(file, table);
      return new Took((System.nanoTime() - from_ns) / 1e9, OptionalDouble.empty());
    };
  }

  /** {@return the names, in the order of the first round} */
  List<String> names() {
    return List.copyOf(byName.keySet());
  }

  Cell get(String name) {
    Cell cell = byName.get(name);
    if (cell == null) {
      throw new IllegalArgumentException(
          "no cell " + name + "; there are " + String.join(", ", byName.keySet()));
    }
    return cell;
  }

  /** {@return the most memory that Batchyard's JVM had resident, in MB, if it runs} */
  OptionalDouble peakResident_mb() throws IOException {
    return node == null ? OptionalDouble.empty() : OptionalDouble.of(node.peakResident_mb());
  }

  @Override
  public void close() throws IOException, InterruptedException {
    if (pool != null) {
      pool.close();
    }
    if (node != null) {
      node.close();
    }
  }
}
