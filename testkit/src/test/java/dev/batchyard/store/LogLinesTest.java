package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.LogLines.Line;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

@PostgresTest
class LogLinesTest {

  @Test
  void a_quick_attempt_without_lines_is_told_by_its_outcome(TestDatabase test) {
    try (StoreFixture f = new StoreFixture(test)) {
      long task = f.submit();
      UUID boot = f.node();
      f.finish(f.claimOne(boot), StoreFixture.complete());
      assertThat(f.store.logLines().read(task, 0, 10))
          .as("its lines may be on their way")
          .isEmpty();
      f.pass(Duration.ofSeconds(1));
      List<Line> lines = f.store.logLines().read(task, 0, 10);
      assertThat(lines.stream().map(Line::text))
          .containsExactly("task_start attempt=1 node=node", "task_completion after 3 ms");
      assertThat(f.store.logLines().tail(task, 10)).isEqualTo(lines);
      assertThat(f.store.logLines().read(task, lines.getFirst().id(), 10))
          .containsExactly(lines.getLast());
      assertThat(f.store.logLines().read(task, lines.getLast().id(), 10)).isEmpty();
    }
  }

  @Test
  void stored_lines_come_first_and_are_never_doubled(TestDatabase test) {
    try (StoreFixture f = new StoreFixture(test)) {
      long task = f.submit();
      UUID boot = f.node();
      f.store.logLines().append(List.of(new Line(0, task, 1, f.now, "error", "坏了")));
      f.finish(f.claimOne(boot), StoreFixture.retry(Duration.ZERO));
      f.finish(f.claimOne(boot), StoreFixture.complete());
      f.pass(Duration.ofSeconds(2));
      assertThat(f.store.logLines().read(task, 0, 10).stream().map(Line::text))
          .containsExactly("坏了", "task_start attempt=2 node=node", "task_completion after 3 ms");
      f.store.logLines().append(List.of(new Line(0, task, 2, f.now, "info", "own")));
      assertThat(f.store.logLines().read(task, 0, 10).stream().map(Line::text))
          .containsExactly("坏了", "own");
    }
  }

  @Test
  void only_a_completion_is_derived(TestDatabase test) {
    try (StoreFixture f = new StoreFixture(test)) {
      long task = f.submit();
      f.finish(f.claimOne(f.node()), new Verdict.Fail(StoreFixture.failure()));
      f.pass(Duration.ofSeconds(2));
      assertThat(f.store.logLines().read(task, 0, 10)).isEmpty();
    }
  }
}
