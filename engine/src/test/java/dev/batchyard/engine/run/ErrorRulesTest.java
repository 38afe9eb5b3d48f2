package dev.batchyard.engine.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.RetryPolicies;
import dev.batchyard.engine.port.StoreUnavailable;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class ErrorRulesTest {

  private static final RetryPolicy RULED =
      RetryPolicy.DEFAULT.withRules(List.of(new ErrorRule.Final("Boom")));

  private final Policies policies = new Policies();
  private final AtomicLong nowNs = new AtomicLong(7);
  private final ErrorRules rules = new ErrorRules(policies, new SetTime(nowNs));

  @Test
  void failures_of_one_second_read_the_rules_once() {
    policies.stored = RULED;
    assertThat(rules.known(RetryPolicy.DEFAULT))
        .as("nothing is read")
        .isEqualTo(RetryPolicy.DEFAULT);
    assertThat(rules.added(RetryPolicy.DEFAULT)).isEqualTo(RULED);
    policies.stored = RetryPolicy.DEFAULT;
    nowNs.addAndGet(TimeUnit.SECONDS.toNanos(1) - 1);
    assertThat(rules.added(RetryPolicy.DEFAULT)).isEqualTo(RULED);
    assertThat(policies.reads).isEqualTo(1);
    nowNs.incrementAndGet();
    assertThat(rules.added(RetryPolicy.DEFAULT)).isEqualTo(RetryPolicy.DEFAULT);
    assertThat(policies.reads).isEqualTo(2);
  }

  @Test
  void rules_hold_while_the_store_is_away_and_it_is_asked_once_a_second_too() {
    policies.stored = RULED;
    assertThat(rules.added(RetryPolicy.DEFAULT)).isEqualTo(RULED);
    policies.away = true;
    nowNs.addAndGet(TimeUnit.SECONDS.toNanos(1));
    assertThat(rules.added(RetryPolicy.DEFAULT)).isEqualTo(RULED);
    assertThat(rules.added(RetryPolicy.DEFAULT)).isEqualTo(RULED);
    assertThat(policies.reads).isEqualTo(2);
  }

  @Test
  void an_interrupt_that_was_meant_for_the_handler_does_not_hinder() {
    policies.stored = RULED;
    Thread.currentThread().interrupt();
    assertThat(rules.added(RetryPolicy.DEFAULT)).isEqualTo(RULED);
    assertThat(policies.interrupted).isFalse();
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void the_policy_of_the_claim_stays_and_gets_the_rules_of_its_name() {
    policies.stored = RULED;
    RetryPolicy claimed =
        new RetryPolicy("default", 9, RULED.backoff(), RULED.firstDelay(), RULED.maxDelay());
    assertThat(rules.added(claimed)).isEqualTo(claimed.withRules(RULED.rules()));
    assertThat(rules.added(RetryPolicy.CRITICAL)).isEqualTo(RetryPolicy.CRITICAL);
  }

  private static final class Policies implements RetryPolicies {

    private RetryPolicy stored = RetryPolicy.DEFAULT;
    private boolean away;
    private int reads;
    private boolean interrupted;

    @Override
    public List<RetryPolicy> list() {
      reads++;
      interrupted = Thread.currentThread().isInterrupted();
      if (away) {
        throw new StoreUnavailable("away", new IllegalStateException());
      }
      return List.of(stored);
    }

    @Override
    public Optional<RetryPolicy> find(String name) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Change create(RetryPolicy policy) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Change edit(String name, UnaryOperator<RetryPolicy> change) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Change remove(String name) {
      throw new UnsupportedOperationException();
    }
  }
}
