package dev.batchyard.engine.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.RetryPolicy;
import java.time.Duration;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class JitterPropertyTest {

  @Property
  void jitter_is_never_early_and_at_most_a_fifth(
      @ForAll @IntRange(min = 1, max = 40) int failures, @ForAll long seed) {
    Duration plain = RetryPolicy.DEFAULT.delayAfter(failures);
    Duration drawn = Decisions.jittered(RetryPolicy.DEFAULT, failures, new SplittableRandom(seed));
    assertThat(drawn).isBetween(plain, plain.multipliedBy(6).dividedBy(5));
  }
}
