package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.task.Counters;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** The last words of a node tell what the store tells. */
final class StopReportTest {

  private final Map<Long, TaskViews.TaskDetail> stored = new LinkedHashMap<>();
  private boolean away;

  @Test
  void what_waits_for_a_node_is_released() {
    task(1, TaskState.READY, "mine");
    task(2, TaskState.READY, "mine");
    assertThat(words()).isEqualTo("stopped; released, to go on when a node runs: tasks 1, 2");
  }

  @Test
  void what_another_node_runs_already_is_not_said_to_wait_for_one() {
    task(1, TaskState.RUNNING, "other");
    assertThat(words()).isEqualTo("stopped; already taken by node other: task 1");
  }

  @Test
  void what_is_still_held_in_the_name_of_this_node_is_said_to_be() {
    task(1, TaskState.RUNNING, "mine");
    assertThat(words()).isEqualTo("stopped; not given back yet, nodes take back: task 1");
  }

  @Test
  void what_waits_for_a_time_or_for_others_is_said_to_do_so() {
    task(1, TaskState.RETRYING, "mine");
    task(2, TaskState.SCHEDULED, "mine");
    task(3, TaskState.BLOCKED, "mine");
    task(4, TaskState.READY, "mine");
    assertThat(words())
        .startsWith("stopped; ")
        .contains("to be tried again when its wait is over: task 1")
        .contains("to go on when it is due: task 2")
        .contains("waiting for others: task 3")
        .contains("released, to go on when a node runs: task 4");
  }

  @Test
  void what_has_ended_or_is_paused_or_gone_is_no_matter_of_the_stop() {
    long id = 0;
    for (TaskState state : TaskState.values()) {
      if (state.ended() || state == TaskState.PAUSED) {
        task(++id, state, "mine");
      }
    }
    assertThat(stored).hasSize(6);
    assertThat(words(1, 2, 3, 4, 5, 6, 7)).isEqualTo("stopped");
  }

  @Test
  void a_database_that_is_away_is_said_to_be() {
    task(1, TaskState.READY, "mine");
    away = true;
    assertThat(words()).isEqualTo("stopped; the database is away: nodes take back what ran here");
  }

  private String words() {
    return words(stored.keySet().stream().mapToLong(Long::longValue).toArray());
  }

  private String words(long... held) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StopReport report = new StopReport(console(out));
    report.stopping("mine", java.util.Arrays.stream(held).boxed().toList(), Duration.ofSeconds(30));
    report.ended(new Stored());
    report.stopped();
    return out.toString(StandardCharsets.UTF_8).lines().toList().getLast();
  }

  private static Console console(ByteArrayOutputStream out) {
    PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    Path here = Path.of("");
    return new Console(
        new Context(
            Map.of(),
            here,
            here,
            "u",
            new ByteArrayInputStream(new byte[0]),
            stream,
            stream,
            false,
            ZoneOffset.UTC,
            InstantSource.system(),
            System::nanoTime),
        new RootCommand());
  }

  private void task(long id, TaskState state, String node) {
    stored.put(
        id,
        new TaskViews.TaskDetail(
            new TaskViews.TaskRow(
                id,
                "t",
                "",
                state,
                NewTask.DEFAULT_QUEUE,
                4,
                Counters.NEW,
                Instant.EPOCH,
                Instant.EPOCH,
                Optional.empty(),
                Optional.empty(),
                Optional.of(node),
                0,
                -1,
                0,
                OptionalLong.empty(),
                ""),
            "{}",
            "default",
            TaskKeys.NONE,
            Limits.NONE,
            Requirement.NONE,
            OptionalLong.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            List.of()));
  }

  /** A store that tells what the test has put there. */
  private final class Stored implements TaskViews {

    @Override
    public Optional<TaskDetail> find(long task) {
      if (away) {
        throw new StoreUnavailable("away", new IllegalStateException());
      }
      return Optional.ofNullable(stored.get(task));
    }

    @Override
    public Page list(Filter filter, OptionalLong before, int limit) {
      throw new AssertionError("not asked for");
    }

    @Override
    public Map<TaskState, Long> counts() {
      throw new AssertionError("not asked for");
    }

    @Override
    public List<Reject> rejects(long task, long after, int limit) {
      throw new AssertionError("not asked for");
    }
  }
}
