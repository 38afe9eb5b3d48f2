package dev.batchyard.engine.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class NodeLoadTest {

  @Test
  void processors_and_memory_weigh_twice_as_much_as_tasks() {
    assertThat(score(1, 0, 0)).isCloseTo(0.4, within(1e-9));
    assertThat(score(0, 1, 0)).isCloseTo(0.4, within(1e-9));
    assertThat(score(0, 0, 1)).isCloseTo(0.2, within(1e-9));
    assertThat(score(0.5, 0.25, 0.75)).isCloseTo(0.2 + 0.1 + 0.15, within(1e-9));
  }

  @Test
  void the_disk_is_told_but_does_not_count() {
    assertThat(new NodeLoad(new MachineUse(0.1, 0.2, 1), 0.3).score())
        .isEqualTo(new NodeLoad(new MachineUse(0.1, 0.2, 0), 0.3).score());
  }

  @Test
  void a_share_beyond_the_whole_is_refused() {
    assertThatThrownBy(() -> new MachineUse(1.1, 0, 0)).hasMessage("cpu: 1.1 is not from 0 to 1");
    assertThatThrownBy(() -> new MachineUse(0, Double.NaN, 0)).hasMessageContaining("memory: NaN");
    assertThatThrownBy(() -> new NodeLoad(new MachineUse(0, 0, 0), -0.1))
        .hasMessageContaining("tasks: -0.1");
  }

  private static double score(double cpu, double memory, double tasks) {
    return new NodeLoad(new MachineUse(cpu, memory, 0), tasks).score();
  }
}
