package dev.batchyard.engine.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Progress;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.AttemptLogs.OpenLog;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.TimeLimits;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SlotsTest {

  private final AtomicLong nowNs = new AtomicLong(1_000);
  private final Boot boot =
      new Boot(new UUID(0, 1), new SetTime(nowNs), Duration.ofSeconds(1), Duration.ofSeconds(8));
  private final Slots slots = new Slots(1);

  @Test
  void a_slot_that_is_left_belongs_to_the_next_in_line() {
    Attempt first = attempt(1);
    assertThat(slots.enter(first)).isTrue();
    Attempt second = attempt(2);
    assertThat(slots.enter(second)).isFalse();
    assertThat(slots.leave(first)).contains(second);
    assertThat(slots.leave(first)).isEmpty(); // it has left already
    assertThat(slots.running()).isEqualTo(1);
    assertThat(slots.leave(second)).isEmpty();
    assertThat(slots.running()).isZero();
    assertThat(slots.free()).isEqualTo(1);
  }

  @Test
  void those_who_wait_too_long_are_withdrawn_and_never_started() {
    Attempt first = attempt(1);
    assertThat(slots.enter(first)).isTrue();
    Attempt second = attempt(2);
    nowNs.addAndGet(10);
    Attempt third = attempt(3);
    assertThat(slots.enter(second)).isFalse();
    assertThat(slots.enter(third)).isFalse();
    assertThat(slots.withdrawSince(999)).isEmpty();
    assertThat(slots.withdrawSince(1_000)).containsExactly(second, third);
    assertThat(slots.leave(first)).isEmpty();
  }

  @Test
  void one_that_is_abandoned_in_the_line_frees_no_slot_of_another() {
    Attempt first = attempt(1);
    assertThat(slots.enter(first)).isTrue();
    Attempt second = attempt(2);
    assertThat(slots.enter(second)).isFalse();
    assertThat(slots.leave(second)).isEmpty();
    assertThat(slots.running()).isEqualTo(1);
    assertThat(slots.withdrawSince(1_000)).containsExactly(second);
    assertThat(slots.leave(first)).isEmpty();
    assertThat(slots.running()).isZero();
    assertThat(slots.free()).isEqualTo(1);
  }

  private Attempt attempt(long task) {
    Claim claim =
        new Claim(
            task,
            "test.quick",
            "{}",
            Counters.NEW,
            RetryPolicy.DEFAULT,
            1,
            new UUID(0, task),
            false,
            new Progress(0, 0),
            0,
            TimeLimits.NONE);
    return new Attempt(claim, boot, OpenLog.SILENT, nowNs::get);
  }
}
