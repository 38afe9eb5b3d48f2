package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.UnknownSteps;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Says of a durable step of which nobody knows whether it happened what is so. */
@Command(
    name = "step",
    description =
        "Says whether a step happened of which nobody knows; then rerun or resume its task.",
    footer = {
      "",
      "Example: step 4711 seat --done '{\"seat\":\"12A\"}' --why 'found in the books of the railway'"
    })
final class StepCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(
      index = "0",
      paramLabel = "ID",
      converter = Numbers.Id.class,
      description = "The task.")
  private long task;

  @Parameters(index = "1", paramLabel = "NAME", description = "The step.")
  private String step = "";

  @ArgGroup(multiplicity = "1")
  private Word word = new Word();

  @Option(names = "--why", required = true, paramLabel = "TEXT", description = "Kept with it.")
  private String why = "";

  /** One of the two. */
  static final class Word {
    @Option(
        names = "--done",
        required = true,
        arity = "0..1",
        fallbackValue = "{}",
        paramLabel = "JSON",
        description = "It happened, and this is what its action would have returned ({}).")
    private String done = "";

    @Option(
        names = "--not-done",
        required = true,
        description = "It has not happened: it is begun anew.")
    private boolean notDone;
  }

  StepCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    if (!word.notDone) {
      requireObject(word.done);
    }
    try (Installation installation = cli.open()) {
      UnknownSteps steps = installation.store().unknownSteps();
      String by = cli.context().user();
      Move answer =
          word.notDone
              ? steps.notDone(task, step, by, why)
              : steps.done(task, step, word.done, by, why);
      if (answer == Move.NOT_FOUND) {
        throw CliFailure.noSuchTask(task);
      }
      tell();
      return Exit.OK.code();
    } catch (MoveRefused e) {
      throw new CliFailure(Exit.FAILED, String.valueOf(e.getMessage()));
    } catch (InvalidParameters e) {
      throw new CliFailure(Exit.USAGE, String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, "--" + e.getMessage());
    }
  }

  private static void requireObject(String json) {
    try {
      if (new JacksonParameters().parse(json).isObject()) {
        return;
      }
    } catch (InvalidParameters e) {
      throw new CliFailure(Exit.USAGE, "--done: " + e.getMessage());
    }
    throw new CliFailure(
        Exit.USAGE,
        "--done: '%s' is no JSON object; give what the action would have returned, {} for nothing"
            .formatted(json));
  }

  private void tell() {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("id", task);
    document.put("step", step);
    document.put("settled", word.notDone ? "not_done" : "done");
    cli.console().tell(document);
    cli.console()
        .say(
            word.notDone
                ? "task %d: step '%s' has not happened; an attempt that comes to it begins it anew"
                    .formatted(task, step)
                : "task %d: step '%s' is done; attempts skip its action".formatted(task, step));
  }
}
