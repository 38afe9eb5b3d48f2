package dev.batchyard.app.cli;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.run.Cancels;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Which tasks are cancelled, instead of their ids. */
final class CancelFlags {

  private static final int LIMIT = 10_000;

  @Option(
      names = "--state",
      split = ",",
      paramLabel = "STATE",
      converter = TasksCommand.StateWord.class,
      description =
          "All in these states: scheduled, blocked, ready, running, retrying, paused; in any with other filters.")
  private List<TaskState> states = List.of();

  @Option(names = "--type", paramLabel = "TYPE", description = "Only this task type.")
  private Optional<String> type = Optional.empty();

  @Option(names = "--queue", paramLabel = "NAME", description = "Only of this queue.")
  private Optional<String> queue = Optional.empty();

  @Option(
      names = "--batch",
      paramLabel = "ID",
      converter = Numbers.Id.class,
      description = "Only members of this batch.")
  private Optional<Long> batch = Optional.empty();

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "At most so many, the newest first; 10,000 unless set, at most 1,000,000.")
  private Optional<Integer> limit = Optional.empty();

  @Option(names = "--dry-run", description = "Tells what would be cancelled, and changes nothing.")
  private boolean dryRun;

  /** {@return whether any tasks are asked for by what they are} */
  boolean given() {
    return filters() || limit.isPresent() || dryRun;
  }

  boolean dryRun() {
    return dryRun;
  }

  int limit() {
    int most = limit.orElse(LIMIT);
    if (most < 1 || most > Cancels.TASKS_MAX) {
      throw new CliFailure(
          Exit.USAGE, "--limit: %d is not in 1 to %,d".formatted(most, Cancels.TASKS_MAX));
    }
    return most;
  }

  /**
   * {@return the filter}
   *
   * @throws CliFailure naming the cure
   */
  TaskViews.Filter filter() {
    if (!filters()) {
      throw new CliFailure(
          Exit.USAGE,
          "cancel: which tasks? Give ids, or at least one of --state, --type, --queue, --batch");
    }
    Set<TaskState> wanted = EnumSet.noneOf(TaskState.class);
    wanted.addAll(states);
    return new TaskViews.Filter(
        wanted, type, queue, batch.map(OptionalLong::of).orElse(OptionalLong.empty()));
  }

  private boolean filters() {
    return !states.isEmpty() || Stream.of(type, queue, batch).anyMatch(Optional::isPresent);
  }
}
