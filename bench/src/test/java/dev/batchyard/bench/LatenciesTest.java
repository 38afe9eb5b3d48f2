package dev.batchyard.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LatenciesTest {

  @Test
  void a_percentile_is_a_value_that_was_measured() {
    double[] sorted = new double[1_000];
    for (int i = 0; i < sorted.length; i++) {
      sorted[i] = i + 1;
    }
    assertThat(Latencies.percentile(sorted, 0.5)).isEqualTo(500);
    assertThat(Latencies.percentile(sorted, 0.99)).isEqualTo(990);
    assertThat(Latencies.percentile(sorted, 0.999)).isEqualTo(999);
    assertThat(Latencies.percentile(new double[] {7}, 0.999)).isEqualTo(7);
  }
}
