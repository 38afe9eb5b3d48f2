package dev.batchyard.engine.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Progress;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.TimeLimits;
import dev.batchyard.engine.task.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class FinishLoopTest {

  private final List<Set<Long>> told = new ArrayList<>();
  private final List<Long> over = new ArrayList<>();
  private boolean broken = true;

  @Test
  void an_end_that_cannot_be_stored_stays_held_lets_others_pass_and_is_told_again()
      throws Exception {
    FinishLoop loop = new FinishLoop(this::store, new SetTime(new AtomicLong()));
    loop.onSettled(claims -> claims.forEach(claim -> over.add(claim.task())));
    loop.add(end(1));
    loop.add(end(2));
    loop.runOnce();
    assertThat(over).as("1 is not").containsExactly(2L);
    assertThat(loop.takeRefused()).as("its lease is not lost").isZero();

    loop.add(end(3));
    loop.runOnce();
    assertThat(told.getLast()).as("the next batch goes without it").containsExactly(3L);

    broken = false;
    loop.tellAgain();
    loop.runOnce();
    assertThat(over).containsExactly(2L, 3L, 1L);
  }

  @Test
  void the_end_of_an_older_attempt_is_answered_by_itself_and_its_refusal_counted()
      throws Exception {
    FinishLoop loop =
        new FinishLoop(
            ends -> {
              Set<Long> stale = ends.getFirst().claim().lease() == 1 ? Set.of(7L) : Set.of();
              return new Finishes.Result(stale.isEmpty() ? Set.of(7L) : Set.of(), stale);
            },
            new SetTime(new AtomicLong()));
    loop.onSettled(claims -> claims.forEach(claim -> over.add(claim.lease())));
    loop.add(end(7, 1));
    loop.add(end(7, 2));
    loop.runOnce();
    assertThat(loop.takeRefused()).isOne();
    loop.runOnce();
    assertThat(loop.takeRefused()).isZero();
    assertThat(over).containsExactly(1L, 2L);
  }

  private Finishes.Result store(List<Finish> ends) {
    Set<Long> tasks = Set.copyOf(ends.stream().map(end -> end.claim().task()).toList());
    told.add(tasks);
    return new Finishes.Result(
        Set.copyOf(tasks.stream().filter(task -> task != 1 || !broken).toList()), Set.of());
  }

  private static Finish end(long task) {
    return end(task, 1);
  }

  private static Finish end(long task, long lease) {
    Claim claim =
        new Claim(
            task,
            "test.quick",
            "{}",
            Counters.NEW,
            RetryPolicy.DEFAULT,
            lease,
            new UUID(0, task),
            false,
            new Progress(0, 0),
            0,
            TimeLimits.NONE);
    return new Finish(claim, new Verdict.Complete("{}"), "n", Duration.ZERO);
  }
}
