package dev.batchyard.app.cli;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Says that a node stops, and what becomes of the tasks that it held then. */
final class StopReport {

  private static final int IDS_TOLD_MAX = 10;

  private final Console console;
  private List<Long> held = List.of();
  private Optional<List<Long>> left = Optional.of(List.of());

  StopReport(Console console) {
    this.console = console;
  }

  /**
   * The node was asked to stop.
   *
   * @param tasks whose attempts it holds
   * @param grace that they get
   */
  void stopping(List<Long> tasks, Duration grace) {
    held = List.copyOf(tasks);
    console.say(
        held.isEmpty()
            ? "stopping ..."
            : "stopping at the next checkpoint, within %d s: %s ..."
                .formatted(grace.toSeconds(), names(held)));
  }

  /** The node has ended; the store is still there, or has been away all the while. */
  void ended(TaskViews views) {
    try {
      left = Optional.of(held.stream().filter(task -> goesOn(views.find(task))).toList());
    } catch (StoreUnavailable e) {
      left = Optional.empty();
    }
  }

  /** Everything is closed. */
  void stopped() {
    console.say(
        left.map(tasks ->
                tasks.isEmpty()
                    ? "stopped"
                    : "stopped; released, to go on when a node runs: " + names(tasks))
            .orElse("stopped; the database is away: nodes take back what ran here"));
  }

  private static boolean goesOn(Optional<TaskDetail> task) {
    return task.map(found -> found.row().state())
        .filter(state -> !state.ended() && state != TaskState.PAUSED)
        .isPresent();
  }

  private static String names(List<Long> tasks) {
    return tasks.stream()
        .limit(IDS_TOLD_MAX)
        .map(String::valueOf)
        .collect(
            Collectors.joining(
                ", ",
                tasks.size() == 1 ? "task " : "tasks ",
                tasks.size() > IDS_TOLD_MAX
                    ? " and %,d more".formatted(tasks.size() - IDS_TOLD_MAX)
                    : ""));
  }
}
