package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The queue under mixed load on real node processes, which are killed, as is PostgreSQL. */
final class KilledQueueTest {

  /** A seed that fails can be tried again: {@code -Dbatchyard.seed=…}. */
  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  private static final int KILLS = 5;
  private static final int CRASHES = 1;

  @TempDir private Path folder;

  @Test
  void killed_with_its_database_it_loses_and_doubles_nothing() throws Exception {
    try (QueueProof proof = new QueueProof(folder, QueueProof.Plan.queue(SEED, KILLS, CRASHES))) {
      QueueProof.Report report = proof.run();
      assertThat(report.violations()).as(report.figures()).isEmpty();
      assertThat(proof.journal().numbers()).as(report.figures()).isGreaterThan(500);
    }
  }
}
