package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node whose connections all stand, and do not lead to PostgreSQL any more. */
final class SilentNodeTest {

  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  /** Leases of a second. */
  private static final double TIMESCALE = 0.1;

  /** A lease and what a busy machine takes; {@code ./dev prove failover} measures real ones. */
  private static final Duration NOTICED_MAX = Duration.ofSeconds(5);

  @TempDir private Path folder;

  @Test
  void the_tasks_of_a_node_in_a_black_hole_go_on_elsewhere_and_it_comes_back_and_doubles_nothing()
      throws Exception {
    try (FailoverProof proof = new FailoverProof(folder, SEED, 2, TIMESCALE)) {
      assertThat(proof.after(Cut.BLACK_HOLE)).isLessThan(NOTICED_MAX);
      assertThat(proof.after(Cut.ONE_WAY)).isLessThan(NOTICED_MAX);
      assertThat(proof.harmed()).isEmpty();
    }
  }
}
