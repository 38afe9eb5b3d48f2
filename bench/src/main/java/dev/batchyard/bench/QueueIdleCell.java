package dev.batchyard.bench;

import dev.batchyard.bench.queue.QueueSystem;
import dev.batchyard.bench.queue.QueueSystems;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a node that has nothing to do costs: statements, counted in the server's log, and processor
 * time of its process.
 */
final class QueueIdleCell implements QueueCell {

  private static final long SETTLES_S = 10;
  private static final long IDLE_S = 20;
  private static final long WARMS_UP_S = 1;

  /** A statement that a node sent; the transaction around several is not one. */
  private static final Pattern STATEMENT =
      Pattern.compile(" batchyard \\S+ LOG:  (?:execute [^:]*|statement): (?!BEGIN|COMMIT)");

  @Override
  public String name() {
    return "idle";
  }

  @Override
  public int roundsMax() {
    return ROUNDS_OF_LONG;
  }

  @Override
  public List<Bound> bounds() {
    return List.of(
        Bound.atMost("queue.idle.statements", 1.5, 1), Bound.atMost("queue.idle.cpu", 1, 1));
  }

  @Override
  public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
      throws Exception {
    if (!systems.contains(QueueSystems.BATCHYARD)) {
      return;
    }
    WorkerJvm worker = lab.worker(QueueSystems.BATCHYARD, 0);
    try (QueueSystem queue = lab.open(QueueSystems.BATCHYARD)) {
      queue.create();
    }
    logStatements(lab, "all"); // by connections that are opened from here on
    try {
      worker.work();
      worker.working();
      pass(warmsUp ? WARMS_UP_S : SETTLES_S);
      long statementsBefore = statements(lab);
      Duration cpuBefore = worker.cpu();
      long from_ns = System.nanoTime();
      pass(warmsUp ? WARMS_UP_S : IDLE_S);
      double idle_s = (System.nanoTime() - from_ns) / 1e9;
      double cpu_s = worker.cpu().minus(cpuBefore).toNanos() / 1e9;
      samples.add("queue.idle.cpu", 100 * cpu_s / idle_s, "% of a core");
      samples.add(
          "queue.idle.statements", (statements(lab) - statementsBefore) / idle_s, "statements/s");
      worker.stop();
    } finally {
      logStatements(lab, "none");
    }
  }

  private static void logStatements(QueueLab lab, String which) throws SQLException {
    try (Connection connection = lab.server().source(false).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "alter database %s set log_statement = '%s'"
              .formatted(lab.database(QueueSystems.BATCHYARD).database(), which));
    }
  }

  private static void pass(long s) {
    Latencies.until(System.nanoTime() + TimeUnit.SECONDS.toNanos(s));
  }

  private static long statements(QueueLab lab) throws IOException {
    long all = 0;
    try (Stream<Path> files = Files.list(lab.server().folder().log())) {
      for (Path file : files.toList()) {
        try (Stream<String> lines = Files.lines(file, StandardCharsets.UTF_8)) {
          all += lines.filter(line -> STATEMENT.matcher(line).find()).count();
        }
      }
    }
    return all;
  }

  @Override
  public void ratios(Figures figures) {}
}
