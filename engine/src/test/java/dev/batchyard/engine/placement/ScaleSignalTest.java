package dev.batchyard.engine.placement;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class ScaleSignalTest {

  private static final Duration NEW = Duration.ofSeconds(1);
  private static final Duration OLD = Duration.ofMinutes(1);

  @Test
  void nothing_to_do_needs_nobody_and_what_runs_keeps_its_nodes() {
    assertThat(ScaleSignal.desired(0, 0, Duration.ZERO, 3, 24)).isZero();
    assertThat(ScaleSignal.desired(9, 0, Duration.ZERO, 3, 24)).isEqualTo(2);
    assertThat(ScaleSignal.desired(24, 0, Duration.ZERO, 3, 24)).isEqualTo(3);
    assertThat(ScaleSignal.desired(500, 0, Duration.ZERO, 1, 8))
        .as("a lease of quick tasks is more than its slots")
        .isEqualTo(1);
  }

  @Test
  void the_first_task_wants_a_node_where_there_is_none() {
    assertThat(ScaleSignal.desired(0, 1, NEW, 0, 0)).isEqualTo(1);
    assertThat(ScaleSignal.desired(0, 1_000_000, OLD, 0, 0)).isEqualTo(1);
  }

  @Test
  void what_is_new_waits_for_the_nodes_there_are_and_what_is_old_doubles_them_at_most() {
    assertThat(ScaleSignal.desired(8, 1_000, NEW, 1, 8)).isEqualTo(1);
    assertThat(ScaleSignal.desired(8, 1_000, OLD, 1, 8)).isEqualTo(2);
    assertThat(ScaleSignal.desired(16, 1_000, OLD, 2, 16)).isEqualTo(4);
    assertThat(ScaleSignal.desired(16, 3, OLD, 2, 16))
        .as("no more than it could fill")
        .isEqualTo(3);
    assertThat(ScaleSignal.desired(0, 3, NEW, 5, 40)).as("one is enough for three").isEqualTo(1);
  }
}
