package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** PostgreSQL away for longer than a lease; {@code ./dev prove outage} does so for minutes. */
final class OutageTest {

  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());
  private static final double TIMESCALE = 0.3;
  private static final Duration LENGTH = Duration.ofSeconds(4);

  @TempDir private Path folder;

  @Test
  void nodes_outlive_an_outage_are_not_fenced_and_go_on() throws Exception {
    try (QueueProof proof =
        new QueueProof(folder, QueueProof.Plan.outage(SEED, LENGTH, TIMESCALE))) {
      Aftermath.Report report = proof.run();
      assertThat(report.violations()).as(report.figures()).isEmpty();
      assertThat(report.figures()).contains("away for 4 s, all nodes claim and end tasks");
    }
  }
}
