package dev.batchyard.engine.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Progress;
import java.time.Duration;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class EtaTest {

  @Test
  void a_steady_pace_is_told_exactly() {
    Eta eta = new Eta(new Progress(0, 0));
    for (int second = 1; second <= 20; second++) {
      eta.observe(new Progress(second * 1000L, second / 100.0), Duration.ofSeconds(second));
    }
    assertThat(eta.rate()).isCloseTo(1000, Percentage.withPercentage(0.1));
    assertThat(eta.remainingMs().getAsLong()).isCloseTo(80_000, Percentage.withPercentage(0.1));
  }

  @Test
  void what_earlier_attempts_did_does_not_count_as_pace() {
    Eta eta = new Eta(new Progress(1_000_000, 0.5));
    eta.observe(new Progress(1_000_100, 0.50005), Duration.ofSeconds(1));
    assertThat(eta.rate()).isCloseTo(100, Percentage.withPercentage(0.1));
    assertThat(eta.remainingMs().getAsLong()).isCloseTo(9_999_000, Percentage.withPercentage(0.1));
  }

  @Test
  void a_share_that_is_first_told_now_was_not_done_in_this_moment() {
    Eta eta = new Eta(new Progress(1_000_000, -1));
    eta.observe(new Progress(1_010_000, 0.70), Duration.ofSeconds(1));
    assertThat(eta.remainingMs()).isEmpty();
    eta.observe(new Progress(1_020_000, 0.71), Duration.ofSeconds(2));
    assertThat(eta.remainingMs().getAsLong()).isCloseTo(29_000, Percentage.withPercentage(0.1));
  }

  @Test
  void a_change_of_pace_shows_within_fifteen_seconds() {
    Eta eta = new Eta(new Progress(0, 0));
    eta.observe(new Progress(10_000, 0.1), Duration.ofSeconds(1));
    for (int second = 2; second <= 16; second++) {
      eta.observe(
          new Progress(10_000 + (second - 1) * 100L, 0.1 + (second - 1) * 0.001),
          Duration.ofSeconds(second));
    }
    assertThat(eta.rate()).isBetween(100.0, 700.0);
  }

  @Test
  void nobody_knows_the_end_of_a_source_without_a_length() {
    Eta eta = new Eta(new Progress(0, -1));
    eta.observe(new Progress(10, -1), Duration.ofSeconds(1));
    assertThat(eta.remainingMs()).isEmpty();
  }
}
