package dev.batchyard.app.cli;

import dev.batchyard.api.TaskState;
import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists tasks. */
@Command(
    name = "tasks",
    description = "Lists tasks, newest first.",
    footer = {
      "",
      "Labels are cut after 40 cells of the terminal; --json has all of them.",
      "With --json, a last line {\"next\": ID} says where --before goes on, if it does."
    })
final class TasksCommand implements Callable<Integer> {

  private static final int ROWS = 20;

  /** One look walks at most {@link TaskViews#SCAN_MAX} rows; so many looks are one command. */
  private static final int LOOKS_MAX = 40;

  private final Cli cli;

  @Option(
      names = "--state",
      split = ",",
      paramLabel = "STATE",
      converter = StateWord.class,
      description = "Only these states, such as running,retrying.")
  private List<TaskState> states = List.of();

  @Option(names = "--type", paramLabel = "TYPE", description = "Only this task type.")
  private Optional<String> type = Optional.empty();

  @Option(names = "--queue", paramLabel = "NAME", description = "Only tasks of this queue.")
  private Optional<String> queue = Optional.empty();

  @Option(
      names = "--batch",
      paramLabel = "ID",
      converter = Numbers.Id.class,
      description = "Only members of this batch.")
  private Optional<Long> batch = Optional.empty();

  @Option(
      names = "--before",
      paramLabel = "ID",
      converter = Numbers.Id.class,
      description = "The next page: ids below this one.")
  private Optional<Long> before = Optional.empty();

  @Option(
      names = "--limit",
      paramLabel = "N",
      converter = Numbers.Page.class,
      description = "At most so many, 1 to 200; 20.")
  private int limit = ROWS;

  /** States as they are shown everywhere. */
  static final class StateWord implements CommandLine.ITypeConverter<TaskState> {
    @Override
    public TaskState convert(String word) {
      return Arrays.stream(TaskState.values())
          .filter(state -> state.word().equalsIgnoreCase(word))
          .findFirst()
          .orElseThrow(() ->
              new CommandLine.TypeConversionException(
                  "'%s' is no state; give some of %s"
                      .formatted(
                          word,
                          Arrays.stream(TaskState.values())
                              .map(TaskState::word)
                              .collect(Collectors.joining(", ")))));
    }
  }

  TasksCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    Set<TaskState> wanted = EnumSet.noneOf(TaskState.class);
    wanted.addAll(states);
    TaskViews.Filter filter = new TaskViews.Filter(wanted, type, queue, optional(batch));
    OptionalLong top = optional(before);
    try (Installation installation = cli.open()) {
      queue.ifPresent(name -> requireKnown(name, installation.store().queues().names()));
      TaskViews views = installation.store().taskViews();
      TaskViews.Page page = page(views, filter, top, limit);
      page.rows().forEach(row -> cli.console().tell(TaskJson.of(row)));
      if (page.rows().isEmpty()) {
        boolean all = filter.equals(TaskViews.Filter.ALL) && top.isEmpty();
        cli.console().say(none(all, page));
      } else {
        cli.console().say(new Show(cli.context().zone()).tasks(page.rows()));
        if (batch.isEmpty() && queue.isEmpty()) {
          cli.console().say(counts(views.counts()));
        }
      }
      page.next()
          .ifPresent(next -> {
            cli.console().tell(Map.of("next", next));
            if (!page.rows().isEmpty()) {
              cli.console().say("more: --before " + next);
            }
          });
    }
    return Exit.OK.code();
  }

  private static void requireKnown(String queue, List<String> queues) {
    if (!queues.contains(queue)) {
      throw new CliFailure(
          Exit.NOT_FOUND,
          "--queue: there is no '%s'; there are: %s".formatted(queue, String.join(", ", queues)));
    }
  }

  /** Goes on where a look ended early, since what is asked for may be rare. */
  static TaskViews.Page page(
      TaskViews views, TaskViews.Filter filter, OptionalLong top, int limit) {
    List<TaskRow> rows = new ArrayList<>();
    OptionalLong from = top;
    int looks = 0;
    do {
      TaskViews.Page look = views.list(filter, from, limit - rows.size());
      rows.addAll(look.rows());
      from = look.next();
      looks++;
    } while (from.isPresent() && rows.size() < limit && looks < LOOKS_MAX);
    return new TaskViews.Page(rows, from);
  }

  private static OptionalLong optional(Optional<Long> id) {
    return id.map(OptionalLong::of).orElse(OptionalLong.empty());
  }

  static String none(boolean all, TaskViews.Page page) {
    if (page.next().isPresent()) {
      long next = page.next().getAsLong();
      return "none among ids >= %d; go on with --before %d".formatted(next, next);
    }
    return "no tasks" + (all ? " yet" : " like that");
  }

  private static String counts(Map<TaskState, Long> counts) {
    return counts.entrySet().stream()
        .map(count -> "%s %,d".formatted(count.getKey().word(), count.getValue()))
        .collect(Collectors.joining(", ", "in all: ", ""));
  }
}
