package dev.batchyard.app.cli;

import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Says that a node stops, and what becomes of the tasks that it held then. */
final class StopReport {

  private static final int IDS_TOLD_MAX = 10;

  private final Console console;
  private String node = "";
  private List<Long> held = List.of();
  private Optional<Map<String, List<Long>>> left = Optional.of(Map.of());

  StopReport(Console console) {
    this.console = console;
  }

  /**
   * The node was asked to stop.
   *
   * @param node its name
   * @param tasks whose attempts it holds
   * @param grace that they get
   */
  void stopping(String node, List<Long> tasks, Duration grace) {
    this.node = node;
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
      Map<String, List<Long>> found = new TreeMap<>();
      for (long task : held) {
        views
            .find(task)
            .flatMap(detail -> lot(detail.row()))
            .ifPresent(lot -> found.computeIfAbsent(lot, _ -> new ArrayList<>()).add(task));
      }
      left = Optional.of(found);
    } catch (StoreUnavailable e) {
      left = Optional.empty();
    }
  }

  /** Everything is closed. */
  void stopped() {
    console.say(
        left.map(lots ->
                lots.entrySet().stream()
                    .map(lot -> "; %s: %s".formatted(lot.getKey(), names(lot.getValue())))
                    .collect(Collectors.joining("", "stopped", "")))
            .orElse("stopped; the database is away: nodes take back what ran here"));
  }

  /** {@return what becomes of it; nothing if it has ended, or is paused by a person} */
  private Optional<String> lot(TaskRow task) {
    return switch (task.state()) {
      case READY -> Optional.of("released, to go on when a node runs");
      case RUNNING ->
          Optional.of(
              task.node()
                  .filter(other -> !other.equals(node))
                  .map(other -> "already taken by node " + other)
                  .orElse("not given back yet, nodes take back"));
      case RETRYING -> Optional.of("to be tried again when its wait is over");
      case SCHEDULED -> Optional.of("to go on when it is due");
      case BLOCKED -> Optional.of("waiting for others");
      case PAUSED, COMPLETED, FAILED, CANCELLED, SKIPPED, QUARANTINED -> Optional.empty();
    };
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
