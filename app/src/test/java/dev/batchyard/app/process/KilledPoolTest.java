package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.run.EngineConfig;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A pool of one slot whose holders are cancelled, killed and crash; {@code ./dev prove pools} is
 * longer.
 */
final class KilledPoolTest {

  /** A seed that fails can be tried again: {@code -Dbatchyard.seed=…}. */
  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  private static final int BLOWS = 10;

  @TempDir private Path folder;

  @Test
  void whatever_happens_to_its_holder_the_next_one_starts_soon_and_never_two_at_once()
      throws Exception {
    try (PoolProof proof = new PoolProof(folder, SEED)) {
      PoolProof.Report report = proof.run(BLOWS);
      assertThat(report.violations()).as("seed %d: %s", SEED, report.figures()).isEmpty();
      assertThat(report.waited()).hasSize(BLOWS);
      // other tests run beside: a single one may be slow, but must not have waited for the clock
      assertThat(report.median())
          .as("seed %d: %s", SEED, report.figures())
          .isLessThan(PoolProof.NEXT_MAX);
      assertThat(report.most())
          .as("seed %d: %s", SEED, report.figures())
          .isLessThan(EngineConfig.DEFAULT_LEASE);
      proof.spoil();
      assertThat(proof.yard().ask(PoolProof.OVERLAPS))
          .as("a checker that never complains proves nothing")
          .isNotEqualTo(Optional.of(0L));
    }
  }
}
