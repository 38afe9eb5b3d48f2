package dev.batchyard.engine.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BootTest {

  private final AtomicLong now = new AtomicLong(1_000);
  private final Boot boot =
      new Boot(new UUID(0, 1), new SetTime(now), Duration.ofSeconds(1), Duration.ofSeconds(8));

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

  @Test
  void a_store_that_answers_a_later_beat_on_the_same_session_was_not_away() throws Exception {
    boot.renewed(now.get());
    long claimedNs = now.get();
    pass(Duration.ofMillis(500));
    CompletableFuture<Boolean> away = asked(claimedNs);
    pass(Duration.ofMillis(500));
    boot.renewed(now.get());
    assertThat(away).as("that beat may have passed a server that dies").isNotDone();
    pass(Duration.ofMillis(500));
    boot.renewed(now.get());
    assertThat(away.get(10, TimeUnit.SECONDS)).isFalse();
  }

  @Test
  void a_session_that_breaks_while_its_answer_is_awaited_was_away() throws Exception {
    boot.renewed(now.get());
    CompletableFuture<Boolean> away = asked(now.get());
    boot.disconnected();
    assertThat(away.get(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void an_outage_counts_for_the_attempts_that_it_met_and_for_those_claimed_right_after()
      throws Exception {
    boot.renewed(now.get());
    long metNs = now.get();
    boot.disconnected();
    pass(Duration.ofSeconds(3));
    boot.renewed(now.get());
    long rightAfterNs = now.get() + Duration.ofSeconds(1).toNanos();
    pass(Duration.ofSeconds(2));
    boot.renewed(now.get());
    assertThat(boot.storeWasAway(metNs)).isTrue();
    assertThat(boot.storeWasAway(rightAfterNs)).isTrue();
    CompletableFuture<Boolean> later = asked(rightAfterNs + 1);
    pass(Duration.ofSeconds(1));
    boot.renewed(now.get());
    assertThat(later.get(10, TimeUnit.SECONDS)).isFalse();
  }

  @Test
  void a_boot_in_doubt_knows_of_no_store() throws Exception {
    boot.renewed(now.get());
    boot.end();
    assertThat(boot.storeWasAway(now.get())).isTrue();
  }

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  /** Asks on a thread of its own; it waits when this returns. */
  private CompletableFuture<Boolean> asked(long claimedNs) {
    CompletableFuture<Boolean> answer = new CompletableFuture<>();
    Thread asking =
        Thread.ofPlatform()
            .start(() -> {
              try {
                answer.complete(boot.storeWasAway(claimedNs));
              } catch (InterruptedException e) {
                answer.completeExceptionally(e);
              }
            });
    while (asking.getState() != Thread.State.TIMED_WAITING && asking.isAlive()) {
      Thread.onSpinWait();
    }
    return answer;
  }
}
