package dev.batchyard.engine.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.RetryPolicy.Backoff;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Policies, rules and failures are drawn from a seed; kinds are short, so that many match. */
class ErrorRulesPropertyTest {

  @Property
  void a_rule_ends_a_task_or_delays_its_retry_and_does_nothing_else(
      @ForAll long seed, @ForAll @IntRange(min = 0, max = 12) int failures) {
    SplittableRandom random = new SplittableRandom(seed);
    RetryPolicy plain = policy(random);
    RetryPolicy ruled = plain.withRules(rules(random));
    Failure why = new Failure(kind(random), "it broke", "");
    Counters counters = new Counters(failures + 1, failures, 0, 1);
    AttemptEnd end = new AttemptEnd.Threw(why, true);
    for (StopReason stop : StopReason.values()) {
      Verdict without = Decisions.after(end, stop, counters, plain, new SplittableRandom(seed));
      Verdict with = Decisions.after(end, stop, counters, ruled, new SplittableRandom(seed));
      if (!(without instanceof Verdict.Retry retry)) {
        assertThat(with).isEqualTo(without);
        continue;
      }
      Optional<ErrorRule> rule = ruled.rule(why.kind());
      if (rule.isEmpty()) {
        assertThat(with).isEqualTo(without);
      } else if (rule.get() instanceof ErrorRule.Slow slow) {
        Duration least = plain.delayAfter(failures + 1);
        Duration most = longer(plain.maxDelay(), slow.firstDelay());
        assertThat(((Verdict.Retry) with).why()).isEqualTo(retry.why());
        assertThat(((Verdict.Retry) with).delay())
            .isBetween(longer(least, slow.firstDelay()), most.multipliedBy(6).dividedBy(5));
      } else {
        assertThat(with).isEqualTo(new Verdict.Fail(why));
      }
    }
  }

  @Property
  void the_rule_that_is_found_matches_and_none_that_matches_is_more_exact(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<ErrorRule> rules = rules(random);
    String kind = kind(random);
    Optional<ErrorRule> found = RetryPolicy.DEFAULT.withRules(rules).rule(kind);
    List<ErrorRule> matching = rules.stream().filter(rule -> rule.matches(kind)).toList();
    assertThat(found.isPresent()).isEqualTo(!matching.isEmpty());
    for (ErrorRule other : matching) {
      ErrorRule rule = found.orElseThrow();
      assertThat(rule.matches(kind)).isTrue();
      assertThat(rule.kind().equals(kind) || other.kind().length() <= rule.kind().length())
          .isTrue();
    }
  }

  private static RetryPolicy policy(SplittableRandom random) {
    long firstMs = random.nextLong(5_000);
    return new RetryPolicy(
        "p",
        random.nextInt(10),
        random.nextBoolean() ? Backoff.LINEAR : Backoff.EXPONENTIAL,
        Duration.ofMillis(firstMs),
        Duration.ofMillis(firstMs + random.nextLong(60_000)));
  }

  private static List<ErrorRule> rules(SplittableRandom random) {
    Set<String> kinds = new HashSet<>();
    for (int n = random.nextInt(6); n > 0; n--) {
      String kind = kind(random);
      kinds.add(
          random.nextBoolean() ? kind : kind.substring(0, random.nextInt(kind.length())) + "*");
    }
    List<ErrorRule> rules = new ArrayList<>();
    for (String kind : kinds) {
      rules.add(
          random.nextBoolean()
              ? new ErrorRule.Final(kind)
              : new ErrorRule.Slow(kind, Duration.ofMillis(1 + random.nextLong(600_000))));
    }
    return rules;
  }

  private static String kind(SplittableRandom random) {
    StringBuilder kind = new StringBuilder();
    for (int n = 1 + random.nextInt(3); n > 0; n--) {
      kind.append((char) ('A' + random.nextInt(2)));
    }
    return kind.toString();
  }

  private static Duration longer(Duration a, Duration b) {
    return a.compareTo(b) > 0 ? a : b;
  }
}
