package dev.batchyard.engine.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Progress;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.AttemptLogs.OpenLog;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.StopReason;
import dev.batchyard.engine.task.TimeLimits;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class AttemptTest {

  private final AtomicLong nowNs = new AtomicLong(Duration.ofHours(5).toNanos());
  private final Boot boot =
      new Boot(new UUID(0, 1), new SetTime(nowNs), Duration.ofSeconds(1), Duration.ofSeconds(8));

  @Test
  void a_reason_to_stop_is_never_seen_older_than_it_is() {
    Attempt attempt = attempt(0);
    assertThat(attempt.askedFor()).as("nobody has asked").isZero();
    attempt.ask(StopReason.PAUSE);
    nowNs.addAndGet(5);
    assertThat(attempt.askedFor()).isEqualTo(Duration.ofNanos(5));
    attempt.ask(StopReason.PAUSE);
    assertThat(attempt.askedFor()).as("asked again").isEqualTo(Duration.ofNanos(5));
    attempt.ask(StopReason.CANCEL);
    assertThat(attempt.askedFor()).as("a stronger reason").isZero();
    nowNs.addAndGet(3);
    attempt.ask(StopReason.PAUSE);
    assertThat(attempt.stop()).isEqualTo(StopReason.CANCEL);
    assertThat(attempt.askedFor()).isEqualTo(Duration.ofNanos(3));
  }

  @Test
  void a_task_whose_node_died_is_a_suspect_until_it_moves_or_ends() {
    assertThat(attempt(0).isSuspect()).isFalse();
    Attempt moves = attempt(1);
    assertThat(moves.isSuspect()).isTrue();
    moves.progress(new Progress(7, -1));
    assertThat(moves.isSuspect()).as("where it was at its claim").isTrue();
    moves.progress(new Progress(8, -1));
    assertThat(moves.isSuspect()).isFalse();
    Attempt ends = attempt(2);
    assertThat(ends.end()).isTrue();
    assertThat(ends.isSuspect()).isFalse();
  }

  private Attempt attempt(int crashes) {
    Claim claim =
        new Claim(
            1,
            "test.quick",
            "{}",
            new Counters(4, 0, crashes, 1),
            RetryPolicy.DEFAULT,
            1,
            new UUID(0, 1),
            crashes > 1,
            new Progress(7, -1),
            0,
            TimeLimits.NONE);
    return new Attempt(claim, boot, OpenLog.SILENT, nowNs::get);
  }
}
