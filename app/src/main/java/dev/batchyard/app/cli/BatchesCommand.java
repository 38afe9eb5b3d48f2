package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.Batches;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists batches. */
@Command(
    name = "batches",
    description = "Lists batches, newest first, with the counts of their members.",
    footer = {
      "",
      "Labels are cut after 40 cells of the terminal; --json has all of them.",
      "With --json, a last line {\"next\": ID} says where --before goes on, if it does."
    })
final class BatchesCommand implements Callable<Integer> {

  private static final int ROWS = 20;

  private final Cli cli;

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

  BatchesCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    try (Installation installation = cli.open()) {
      Batches.Page page =
          installation
              .store()
              .batches()
              .list(before.map(OptionalLong::of).orElse(OptionalLong.empty()), limit);
      page.rows().forEach(batch -> cli.console().tell(BatchCommand.document(batch)));
      cli.console()
          .say(
              page.rows().isEmpty()
                  ? before.isEmpty() ? "no batches yet" : "no batches below " + before.get()
                  : new Show(cli.context().zone()).batches(page.rows()));
      page.next()
          .ifPresent(next -> {
            cli.console().tell(Map.of("next", next));
            cli.console().say("more: --before " + next);
          });
    }
    return Exit.OK.code();
  }
}
