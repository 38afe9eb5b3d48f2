package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.crash.CrashPoint;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node dies at every instant that has a name. */
final class CrashPointsTest {

  /** A seed that fails can be tried again: {@code -Dbatchyard.seed=…}. */
  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  @TempDir private Path folder;

  @Test
  void whose_node_dies_at_any_crash_point_loses_and_doubles_nothing() throws Exception {
    try (CrashProof proof = new CrashProof(folder, SEED)) {
      for (CrashPoint point : CrashPoint.values()) {
        assertThat(proof.die(point)).as("seed %d", SEED).isEmpty();
      }
      Aftermath.Report report = proof.report();
      assertThat(report.violations()).as(report.figures()).isEmpty();
    }
  }
}
