package dev.batchyard.engine.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class HeadRoomTest {

  @Test
  void it_is_what_processors_and_memory_have_left() {
    assertThat(HeadRoom.of(new MachineUse(0.9, 0.5, 1))).isCloseTo(0.3, within(1e-9));
    assertThat(HeadRoom.of(new MachineUse(1, 1, 0))).isZero();
  }

  @Test
  void a_share_is_of_the_most_that_anybody_has() {
    assertThat(HeadRoom.share(0.1, 0.9)).isCloseTo(1 / 9.0, within(1e-9));
    assertThat(HeadRoom.share(0.9, 0.1)).isEqualTo(1);
    assertThat(HeadRoom.share(0, 0)).isEqualTo(1);
  }

  @Test
  void quick_tasks_are_taken_by_the_share_of_what_the_slots_could_run() {
    assertThat(HeadRoom.atOnce(0.5, 8, Duration.ofMillis(20))).isEqualTo(4);
    assertThat(HeadRoom.atOnce(0.5, 8, Duration.ofMillis(1))).isEqualTo(80);
    assertThat(HeadRoom.atOnce(1, 1000, Duration.ZERO)).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void slow_tasks_are_taken_one_by_one_however_loaded_the_node_is() {
    assertThat(HeadRoom.atOnce(0.5, 8, Duration.ofHours(1))).isEqualTo(1);
    assertThat(HeadRoom.atOnce(0, 8, Duration.ofMillis(1))).isEqualTo(1);
  }
}
