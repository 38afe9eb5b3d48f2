package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.engine.port.TaskViews;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * A filter that matches little: one look ends early, and a command is many looks, but not endless.
 */
class TasksCommandTest {

  private static final TaskViews.Filter RARE =
      TaskViews.Filter.of(Set.of(), Optional.of("test.rare"));

  @Test
  void looks_go_on_until_the_history_ends() {
    Sparse views = new Sparse(12);
    TaskViews.Page page = page(views);
    assertThat(views.asked).hasSize(12).startsWith(OptionalLong.empty(), OptionalLong.of(11));
    assertThat(page.next()).isEmpty();
    assertThat(TasksCommand.none(false, page)).isEqualTo("no tasks like that");
    assertThat(TasksCommand.none(true, page)).isEqualTo("no tasks yet");
  }

  @Test
  void a_long_history_ends_the_command_with_a_cursor() {
    Sparse views = new Sparse(1_000);
    TaskViews.Page page = page(views);
    assertThat(views.asked).hasSizeLessThan(100);
    long next = page.next().orElseThrow();
    assertThat(next).isEqualTo(1_000 - views.asked.size());
    assertThat(TasksCommand.none(false, page))
        .isEqualTo("none among ids >= %d; go on with --before %d", next, next);
  }

  private static TaskViews.Page page(TaskViews views) {
    return TasksCommand.page(views, RARE, OptionalLong.empty(), 20);
  }

  /** So many looks deep, and nothing in any of them. */
  private static final class Sparse implements TaskViews {
    private final List<OptionalLong> asked = new ArrayList<>();
    private final long depth;

    Sparse(long depth) {
      this.depth = depth;
    }

    @Override
    public Page list(Filter filter, OptionalLong before, int limit) {
      asked.add(before);
      long next = before.orElse(depth) - 1;
      return new Page(List.of(), next > 0 ? OptionalLong.of(next) : OptionalLong.empty());
    }

    @Override
    public Optional<TaskDetail> find(long task) {
      return Optional.empty();
    }

    @Override
    public Map<TaskState, Long> counts() {
      return Map.of();
    }

    @Override
    public List<Reject> rejects(long task, long after, int limit) {
      return List.of();
    }
  }
}
