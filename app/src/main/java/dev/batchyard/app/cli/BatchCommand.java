package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.app.Types;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Batches.Batch;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Opens, seals and shows a batch. */
@Command(
    name = "batch",
    description = "Opens, seals or shows a batch: tasks that are counted, and one that runs after.",
    footer = {
      "",
      "Example: batch open --label nightly --then data.import -p file=sums.csv -p table=sums",
      "         submit data.import --batch 1 ...    (as many as there are)",
      "         batch seal 1                        (then the last end releases the task)"
    })
final class BatchCommand implements Callable<Integer> {

  /** What is done. */
  enum Act {
    /** Makes one. */
    OPEN,
    /** Lets nothing join any more. */
    SEAL,
    /** Tells its counts. */
    SHOW
  }

  private final Cli cli;

  @Parameters(index = "0", paramLabel = "open|seal|show", description = "What to do.")
  private Act act = Act.SHOW;

  @Parameters(index = "1", arity = "0..1", paramLabel = "ID", description = "The batch.")
  private Optional<Long> batch = Optional.empty();

  @Option(names = "--label", paramLabel = "TEXT", description = "What people see.")
  private String label = "";

  @Option(
      names = "--then",
      paramLabel = "TYPE",
      description = "The type of a task that runs when the batch has ended.")
  private Optional<String> then = Optional.empty();

  @Option(
      names = {"-p", "--param"},
      paramLabel = "NAME=VALUE",
      description = "A parameter of that task.")
  private List<String> params = List.of();

  BatchCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    if (batch.isPresent() == (act == Act.OPEN)) {
      throw new CliFailure(
          Exit.USAGE, act == Act.OPEN ? "batch open takes no id" : "the id of a batch is missing");
    }
    try (Installation installation = cli.open()) {
      Batches batches = installation.store().batches();
      if (act == Act.OPEN) {
        open(installation, batches);
        return Exit.OK.code();
      }
      long id = batch.orElseThrow();
      if (act == Act.SEAL) {
        cli.console()
            .say(
                batches.seal(id)
                    ? "batch %d sealed".formatted(id)
                    : "batch %d is sealed already; nothing to do".formatted(id));
      }
      show(
          batches
              .find(id)
              .orElseThrow(() -> new CliFailure(Exit.NOT_FOUND, "there is no batch " + id)));
    }
    return Exit.OK.code();
  }

  private void open(Installation installation, Batches batches) throws Exception {
    TaskTypes types = Types.of(installation);
    Submitter submitter =
        new Submitter(types, new JacksonParameters(), installation.store().submissions());
    Optional<String> json = Optional.empty();
    if (then.isPresent()) {
      json =
          Optional.of(
              new ParamFlags(cli.context())
                  .json(types.get(then.get()).params(), params, Optional.empty()));
    }
    Batches.Opened opened =
        submitter.openBatch(
            batches, label, json.map(text -> submitter.read(then.orElseThrow(), text)));
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("id", opened.batch());
    opened.then().ifPresent(task -> document.put("then", task));
    cli.console().tell(document);
    cli.console()
        .say(
            "batch %d opened".formatted(opened.batch())
                + (opened.then().isPresent()
                    ? "; task %d runs when it has ended".formatted(opened.then().getAsLong())
                    : ""));
  }

  private void show(Batch found) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("id", found.id());
    document.put("label", found.label());
    document.put("opened", found.opened());
    found.sealed().ifPresent(at -> document.put("sealed", at));
    found.ended().ifPresent(at -> document.put("ended", at));
    found.then().ifPresent(task -> document.put("then", task));
    document.put("total", found.total());
    document.put("completed", found.completed());
    document.put("failed", found.failed());
    document.put("cancelled", found.cancelled());
    cli.console().tell(document);
    String state = found.sealed().isEmpty() ? "open" : found.live() > 0 ? "sealed" : "ended";
    cli.console()
        .say(
            "batch %d %s%s: %,d members, %,d completed, %,d failed, %,d cancelled, %,d to go%s"
                .formatted(
                    found.id(),
                    state,
                    found.label().isEmpty() ? "" : " (" + found.label() + ")",
                    found.total(),
                    found.completed(),
                    found.failed(),
                    found.cancelled(),
                    found.live(),
                    found.then().isPresent() ? "; then task " + found.then().getAsLong() : ""));
  }
}
