package dev.batchyard.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class BoundTest {

  @Test
  void a_time_may_not_be_longer_than_its_floor() {
    Bound bound = Bound.atMost("x.time_ratio", 1.8, 1.4);
    assertThat(bound.holds(1.8)).isTrue();
    assertThat(bound.holds(1.81)).isFalse();
    assertThat(bound.verdict(OptionalDouble.of(1.5)))
        .isEqualTo("bound x.time_ratio 1.500; floor <= 1.8 met, reach <= 1.4 missed");
  }

  @Test
  void a_rate_may_not_be_lower_than_its_floor() {
    Bound bound = Bound.atLeast("x.ratio", 2, 2.6);
    assertThat(bound.holds(2)).isTrue();
    assertThat(bound.holds(1.99)).isFalse();
    assertThat(bound.verdict(OptionalDouble.of(1.99)))
        .isEqualTo("bound x.ratio 1.990; floor >= 2.0 MISSED, reach >= 2.6 missed");
  }

  @Test
  void a_reach_without_a_floor_is_told_and_never_missed_as_a_defect() {
    Bound bound = Bound.toReach("x.ratio", true, 1.5);
    assertThat(bound.holds(9)).isTrue();
    assertThat(bound.verdict(OptionalDouble.of(9)))
        .isEqualTo("bound x.ratio 9.000; reach <= 1.5 missed");
    assertThat(Bound.toReach("x.ratio", false, 1.5).holds(0)).isTrue();
  }

  @Test
  void what_was_not_measured_is_told_as_such() {
    assertThat(Bound.atLeast("x.ratio", 2, 2.6).verdict(OptionalDouble.empty()))
        .contains("x.ratio not measured");
  }
}
