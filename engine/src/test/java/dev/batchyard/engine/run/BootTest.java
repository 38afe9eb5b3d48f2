package dev.batchyard.engine.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BootTest {

  private final AtomicLong now = new AtomicLong(1_000);
  private final Boot boot = new Boot(new UUID(0, 1), now::get, Duration.ofSeconds(8));

  @Test
  void no_effect_passes_before_the_first_beat() {
    assertThat(boot.gateOpen()).isFalse();
  }

  @Test
  void a_beat_opens_the_gate_from_the_moment_it_was_sent() {
    boot.renewed(now.get());
    now.addAndGet(Duration.ofSeconds(8).toNanos() - 1);
    assertThat(boot.gateOpen()).isTrue();
    now.incrementAndGet();
    assertThat(boot.gateOpen()).isFalse();
    assertThat(boot.inDoubt()).isTrue();
  }

  @Test
  void a_lost_session_closes_the_gate_at_once_but_is_no_doubt_yet() {
    boot.renewed(now.get());
    boot.disconnected();
    assertThat(boot.gateOpen()).isFalse();
    assertThat(boot.inDoubt()).isFalse();
  }

  @Test
  void a_fenced_boot_never_comes_back() {
    boot.renewed(now.get());
    boot.end();
    boot.renewed(now.get());
    assertThat(boot.gateOpen()).isFalse();
    assertThat(boot.inDoubt()).isTrue();
  }
}
