package dev.batchyard.app.cli;

import dev.batchyard.api.TaskState;
import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.store.Store;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Counts failed tasks as completed. */
@Command(
    name = "mark",
    description =
        "Counts failed tasks as completed: their work was done otherwise, or is not needed.",
    footer = {
      "",
      "Nothing runs them again; their batch counts them as completed.",
      "Example: mark 4711 --completed --why 'rows were loaded by hand'"
    })
final class MarkCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(
      paramLabel = "ID",
      arity = "1..1000",
      converter = Numbers.Id.class,
      description = "The tasks.")
  private List<Long> tasks = List.of();

  @Option(names = "--completed", description = "What they are to count as.")
  private boolean completed;

  @Option(names = "--why", required = true, paramLabel = "TEXT", description = "For their history.")
  private String why = "";

  MarkCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    if (!completed) {
      throw new CliFailure(Exit.USAGE, "mark: as what? There is one mark, --completed");
    }
    Exit worst = Exit.OK;
    try (Installation installation = cli.open()) {
      for (long task : tasks) {
        Exit exit = mark(installation.store(), task);
        worst = exit.code() > worst.code() ? exit : worst;
      }
    }
    return worst.code();
  }

  private Exit mark(Store store, long task) {
    Move answer;
    try {
      answer = store.operatorMoves().markCompleted(task, cli.context().user(), why);
    } catch (MoveRefused e) {
      cli.console().error(String.valueOf(e.getMessage()));
      return Exit.FAILED;
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, "--" + e.getMessage());
    }
    String state =
        store
            .taskViews()
            .find(task)
            .map(found -> found.row().state())
            .map(TaskState::word)
            .orElse("gone");
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("id", task);
    document.put("move", "MARK");
    document.put("answer", answer);
    document.put("state", state);
    cli.console().tell(document);
    return switch (answer) {
      case DONE -> fine("task %d counts as completed".formatted(task));
      case ALREADY -> fine("task %d is completed already; nothing to do".formatted(task));
      case REQUESTED, REFUSED -> {
        cli.console()
            .error(
                "task %d is %s; only a failed task can be marked as completed"
                    .formatted(task, state));
        yield Exit.FAILED;
      }
      case NOT_FOUND -> {
        cli.console().error(String.valueOf(CliFailure.noSuchTask(task).getMessage()));
        yield Exit.NOT_FOUND;
      }
    };
  }

  private Exit fine(String text) {
    cli.console().say(text);
    return Exit.OK;
  }
}
