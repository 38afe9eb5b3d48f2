package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The queue under mixed load on real node processes; they, PostgreSQL and the network are struck.
 */
final class StruckQueueTest {

  /** A seed that fails can be tried again: {@code -Dbatchyard.seed=…}. */
  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  private static final Blow.Counts BLOWS =
      new Blow.Counts(5, 3, 1, 5 * LostWrite.values().length, Cut.values().length, Duration.ZERO);

  /** So much load that each blow strikes something; more would only take longer. */
  private static final int PAUSE_MS_MAX = 300;

  @TempDir private Path folder;

  @Test
  void killed_frozen_cut_off_and_left_without_replies_it_loses_and_doubles_nothing()
      throws Exception {
    try (QueueProof proof =
        new QueueProof(
            folder, QueueProof.Plan.chaos(SEED, BLOWS, Duration.ofSeconds(2), PAUSE_MS_MAX))) {
      Aftermath.Report report = proof.run();
      assertThat(report.violations()).as(report.figures()).isEmpty();
      assertThat(proof.journal().numbers()).as(report.figures()).isGreaterThan(500);
    }
  }
}
