package dev.batchyard.app.cli;

import dev.batchyard.api.NewTask;
import dev.batchyard.app.Installation;
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
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Opens a batch, or seals one; then shows it. */
@Command(
    name = "batch",
    description = "Shows one batch: tasks that are counted, and one that runs after; or opens it.",
    footer = {
      "",
      "Parameters, queue, priority, retry policy and limits are those of the task of --then.",
      "Example: batch --open --label nightly --then data.import -p file=sums.csv -p table=sums",
      "         submit data.import --batch 1 ...    (as many as there are)",
      "         batch 1 --seal                      (then the last end releases the task)"
    })
final class BatchCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(
      arity = "0..1",
      paramLabel = "ID",
      converter = Numbers.Id.class,
      description = "The batch.")
  private Optional<Long> batch = Optional.empty();

  @Option(names = "--open", description = "Opens a new one; takes no id.")
  private boolean open;

  @Option(names = "--seal", description = "Lets nothing join it any more.")
  private boolean seal;

  @Option(names = "--label", paramLabel = "TEXT", description = "What people see.")
  private String label = "";

  @Option(
      names = "--then",
      paramLabel = "TYPE",
      description = "The type of a task that runs when the batch has ended.")
  private Optional<String> then = Optional.empty();

  @Mixin private TaskFlags flags = new TaskFlags();

  BatchCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    requireSense();
    try (Installation installation = cli.open()) {
      Batches batches = installation.store().batches();
      if (open) {
        open(installation);
        return Exit.OK.code();
      }
      long id = batch.orElseThrow();
      Batch found = find(batches, id);
      if (seal) {
        cli.console()
            .say(
                batches.seal(id)
                    ? "batch %d sealed".formatted(id)
                    : "batch %d is sealed already; nothing to do".formatted(id));
        found = find(batches, id);
      }
      cli.console().tell(document(found));
      cli.console().say(new Show(cli.context().zone()).batches(List.of(found)));
      if (found.state() == Batches.State.OPEN) {
        cli.console()
            .say("tasks may join it until './batchyard batch %d --seal'".formatted(found.id()));
      }
    }
    return Exit.OK.code();
  }

  private void requireSense() {
    if (open && (batch.isPresent() || seal)) {
      throw new CliFailure(Exit.USAGE, "--open makes a new batch: it takes no id and no --seal");
    }
    if (!open && batch.isEmpty()) {
      throw new CliFailure(
          Exit.USAGE, "the id of a batch is missing; './batchyard batches' lists them");
    }
    boolean given = flags.given(cli.context());
    if (!open && !(label.isEmpty() && then.isEmpty() && !given)) {
      throw new CliFailure(
          Exit.USAGE,
          "--label, --then and what its task is given belong to --open; a batch keeps what it has");
    }
    if (then.isEmpty() && given) {
      throw new CliFailure(
          Exit.USAGE,
          "parameters, queue, priority, retry policy and limits belong to --then TYPE, which is"
              + " missing");
    }
  }

  private static Batch find(Batches batches, long id) {
    return batches
        .find(id)
        .orElseThrow(() ->
            new CliFailure(
                Exit.NOT_FOUND,
                "batch %d: there is none; './batchyard batches' lists them".formatted(id)));
  }

  private void open(Installation installation) {
    TaskTypes types = cli.types(installation);
    Submitter submitter =
        new Submitter(
            types,
            new JacksonParameters(),
            installation.store().submissions(),
            installation.store().batches());
    Optional<NewTask> after = then.map(type -> flags.task(cli.context(), types, submitter, type));
    Batches.Opened opened = submitter.openBatch(label, after);
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

  /** {@return a batch for a machine} */
  static Map<String, Object> document(Batch batch) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("id", batch.id());
    document.put("label", batch.label());
    document.put("state", batch.state().word());
    document.put("opened", batch.opened());
    batch.sealed().ifPresent(at -> document.put("sealed", at));
    batch.ended().ifPresent(at -> document.put("ended", at));
    batch.then().ifPresent(task -> document.put("then", task));
    document.put("total", batch.total());
    document.put("completed", batch.completed());
    document.put("failed", batch.failed());
    document.put("cancelled", batch.cancelled());
    return document;
  }
}
