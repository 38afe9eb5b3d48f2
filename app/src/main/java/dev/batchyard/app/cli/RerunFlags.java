package dev.batchyard.app.cli;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.BulkReruns.Filter;
import dev.batchyard.engine.run.Reruns;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Which tasks run again, instead of their ids. */
final class RerunFlags {

  private static final int LIMIT = 10_000;

  /** Of what is told of a filter; what a person says may be as long as the store takes. */
  private static final int WHY_MAX = 200;

  @Option(
      names = "--state",
      split = ",",
      paramLabel = "STATE",
      converter = TasksCommand.StateWord.class,
      description =
          "All in these states: failed (which it is with other filters), cancelled, quarantined.")
  private List<TaskState> states = List.of();

  @Option(names = "--type", paramLabel = "TYPE", description = "Only this task type.")
  private Optional<String> type = Optional.empty();

  @Option(names = "--queue", paramLabel = "NAME", description = "Only of this queue.")
  private Optional<String> queue = Optional.empty();

  @Option(
      names = "--error",
      paramLabel = "KIND",
      description = "Only failures of this kind, or that begin so: Sql*.")
  private Optional<String> error = Optional.empty();

  @Option(
      names = "--since",
      paramLabel = "WHEN",
      description = "Only what ended since 2026-12-31T22:00:00+08:00, or within the last 2h.")
  private Optional<String> since = Optional.empty();

  @Option(names = "--until", paramLabel = "WHEN", description = "Only what ended until then; now.")
  private Optional<String> until = Optional.empty();

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "At most so many, the oldest first; 10,000 unless set, at most 1,000,000.")
  private Optional<Integer> limit = Optional.empty();

  @Option(names = "--why", paramLabel = "TEXT", description = "For the history of each task.")
  private Optional<String> why = Optional.empty();

  @Option(names = "--dry-run", description = "Tells what would run again, and changes nothing.")
  private boolean dryRun;

  /** {@return whether any tasks are asked for by what they are} */
  boolean given() {
    return filters() || limit.isPresent() || why.isPresent() || dryRun;
  }

  boolean dryRun() {
    return dryRun;
  }

  int limit() {
    int most = limit.orElse(LIMIT);
    if (most < 1 || most > Reruns.TASKS_MAX) {
      throw new CliFailure(
          Exit.USAGE, "--limit: %d is not in 1 to %,d".formatted(most, Reruns.TASKS_MAX));
    }
    return most;
  }

  /** {@return the reason that a person gave, else the filter} */
  String why() {
    return why.orElseGet(() -> {
      String all = "all " + words();
      int shown = Math.min(WHY_MAX, all.codePointCount(0, all.length()));
      return all.substring(0, all.offsetByCodePoints(0, shown));
    });
  }

  private String words() {
    String which = String.join(" and ", wanted().stream().map(TaskState::word).toList());
    return Stream.of(
            Optional.of(which),
            type.map(name -> "type " + name),
            queue.map(name -> "queue " + name),
            error.map(kind -> "error " + kind),
            since.map(text -> "since " + text),
            until.map(text -> "until " + text))
        .flatMap(Optional::stream)
        .collect(Collectors.joining(", "));
  }

  /**
   * {@return the filter}
   *
   * @throws CliFailure naming the flag, its value and the cure
   */
  Filter filter(Context context) {
    if (!filters()) {
      throw new CliFailure(
          Exit.USAGE,
          "rerun: which tasks? Give ids, or at least one of --state, --type, --queue, --error, --since");
    }
    try {
      return new Filter(
          wanted(),
          type,
          queue,
          error,
          since.map(text -> instant(context, "--since", text)),
          until.map(text -> instant(context, "--until", text)));
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, "rerun: " + e.getMessage());
    }
  }

  private boolean filters() {
    return !states.isEmpty()
        || Stream.of(type, queue, error, since, until).anyMatch(Optional::isPresent);
  }

  private Set<TaskState> wanted() {
    return states.isEmpty() ? EnumSet.of(TaskState.FAILED) : EnumSet.copyOf(states);
  }

  /** An instant, or so long ago. */
  private static Instant instant(Context context, String option, String text) {
    try {
      return text.indexOf('T') > 0
          ? OffsetDateTime.parse(text).toInstant()
          : context.clock().instant().minus(Spans.parse(text));
    } catch (DateTimeException | TypeConversionException e) {
      throw new CliFailure(
          Exit.USAGE,
          "%s '%s' must be an instant with its offset, such as 2026-12-31T22:00:00+08:00, or a time"
                  .formatted(option, text)
              + " before now, such as 2h");
    }
  }
}
