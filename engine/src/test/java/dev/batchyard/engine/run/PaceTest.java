package dev.batchyard.engine.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PaceTest {

  private static final int SLOTS = 8;

  private final Pace pace = new Pace(Map.of("quick", 500, "long", 1), SLOTS);

  @Test
  void a_type_that_checkpoints_waits_for_a_free_slot() {
    assertThat(pace.wanted(3, 0)).containsEntry("long", 1);
    assertThat(pace.wanted(0, 0)).containsEntry("long", 0);
  }

  @Test
  void quick_tasks_are_claimed_a_lease_at_a_time_while_less_than_a_lease_waits() {
    tellOften(Duration.ofNanos(20_000));
    assertThat(pace.wanted(0, 0)).containsEntry("quick", 500);
    assertThat(pace.wanted(0, 500)).containsEntry("quick", 500);
    assertThat(pace.wanted(0, 501)).containsEntry("quick", 0);
  }

  @Test
  void slow_tasks_are_claimed_no_earlier_than_they_can_start() {
    tellOften(Duration.ofSeconds(2));
    assertThat(pace.wanted(0, 0)).containsEntry("quick", 0);
    assertThat(pace.wanted(5, 0)).containsEntry("quick", 5);
  }

  @Test
  void it_follows_a_type_that_turns_slow() {
    tellOften(Duration.ofNanos(20_000));
    pace.tell("quick", Duration.ofSeconds(10));
    assertThat(pace.wanted(0, 0)).containsEntry("quick", 0);
  }

  @Test
  void an_unknown_pace_is_taken_for_ten_milliseconds() {
    assertThat(pace.wanted(0, 0)).containsEntry("quick", SLOTS * 50 / 10);
  }

  @Test
  void nothing_is_claimed_ahead_of_slots_that_are_held_until_one_is_left_soon() {
    pace.stall();
    assertThat(pace.wanted(0, 0)).containsEntry("quick", 0);
    assertThat(pace.wanted(2, 0)).as("what is free is used").containsEntry("quick", 2);
    pace.tell("long", Duration.ofSeconds(1));
    assertThat(pace.wanted(0, 0)).as("the line would wait too long").containsEntry("quick", 0);
    pace.tell("quick", Duration.ofMillis(1));
    assertThat(pace.wanted(0, 0).get("quick")).isPositive();
  }

  private void tellOften(Duration ran) {
    for (int i = 0; i < 200; i++) {
      pace.tell("quick", ran);
    }
  }
}
