package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.Compensations;
import dev.batchyard.engine.port.Compensations.State;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists tasks whose steps are being undone, above all those that need a person. */
@Command(
    name = "compensations",
    description = {
      "Lists tasks whose steps could not be undone without a person, newest first.",
      "With --undoing those too whose steps are being undone, with --all also those that are."
    },
    footer = {
      "",
      "With --json, a last line {\"next\": ID} says where --before goes on, if it does."
    })
final class CompensationsCommand implements Callable<Integer> {

  private static final int ROWS = 20;

  private final Cli cli;

  @Option(names = "--undoing", description = "Also those whose undo tasks wait or run.")
  private boolean undoing;

  @Option(names = "--all", description = "All of them, also those that are undone.")
  private boolean all;

  @Option(
      names = "--before",
      paramLabel = "ID",
      description = "The next page: of tasks below this one.")
  private Optional<Long> before = Optional.empty();

  @Option(names = "--limit", paramLabel = "N", description = "At most so many, 1 to 200; 20.")
  private int limit = ROWS;

  CompensationsCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    if (limit < 1 || limit > Compensations.PAGE_MAX) {
      throw new CliFailure(
          Exit.USAGE, "--limit: %d is not in 1 to %d".formatted(limit, Compensations.PAGE_MAX));
    }
    try (Installation installation = cli.open()) {
      Compensations.Page page =
          installation
              .store()
              .compensations()
              .list(states(), before.map(OptionalLong::of).orElse(OptionalLong.empty()), limit);
      StepWords words = new StepWords(cli.context().zone());
      page.rows().forEach(row -> cli.console().tell(StepWords.document(row)));
      cli.console().say(page.rows().isEmpty() ? none() : words.compensations(page.rows()));
      page.next()
          .ifPresent(next -> {
            cli.console().tell(Map.of("next", next));
            cli.console().say("more: --before " + next);
          });
    }
    return Exit.OK.code();
  }

  private Set<State> states() {
    Set<State> states = EnumSet.of(State.NEEDS_PERSON);
    if (undoing || all) {
      states.add(State.UNDOING);
    }
    if (all) {
      states.add(State.UNDONE);
    }
    return states;
  }

  private String none() {
    String what =
        all
            ? "no task has had its steps undone"
            : undoing ? "no steps are being undone" : "no undo needs a person";
    return before.map(id -> what + " below task " + id).orElse(what);
  }
}
