package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.Checkpoints.Passed;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Lists the checkpoints of a task. */
@Command(
    name = "checkpoints",
    description =
        "Lists the checkpoints of a task, newest first: where it was, and what it had counted.",
    footer = {
      "",
      "Kept are the last one of each attempt and one of ten seconds, the older the fewer.",
      "'rerun ID --from-checkpoint N' goes on from one, if its sink allows that; so does resume."
    })
final class CheckpointsCommand implements Callable<Integer> {

  private static final JacksonParameters CODEC = new JacksonParameters();

  private final Cli cli;

  @Parameters(paramLabel = "ID", description = "The task.")
  private long task;

  CheckpointsCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    try (Installation installation = cli.open()) {
      List<Passed> all = installation.store().checkpoints().of(task);
      if (all.isEmpty() && installation.store().taskViews().find(task).isEmpty()) {
        throw CliFailure.noSuchTask(task);
      }
      all.forEach(passed -> cli.console().tell(document(passed)));
      cli.console().say(all.isEmpty() ? "task %d has no checkpoint".formatted(task) : table(all));
    }
    return Exit.OK.code();
  }

  private String table(List<Passed> all) {
    Show show = new Show(cli.context().zone());
    boolean parts = all.stream().anyMatch(passed -> passed.shard() > 0);
    Table table =
        new Table(
            "checkpoint", "when", "attempt", "read", "written", "skipped", "rejected", "position");
    for (Passed passed : all) {
      table.add(
          "%d%s%s"
              .formatted(
                  passed.number(),
                  parts ? " of part " + passed.shard() : "",
                  passed.last() ? " (last)" : ""),
          show.at(passed.at()),
          String.valueOf(passed.attempt()),
          "%,d".formatted(passed.ledger().read()),
          "%,d".formatted(passed.ledger().written()),
          "%,d".formatted(passed.ledger().skipped()),
          "%,d".formatted(passed.ledger().rejected()),
          passed.positionJson());
    }
    return table.text();
  }

  private static Map<String, Object> document(Passed passed) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("shard", passed.shard());
    document.put("checkpoint", passed.number());
    document.put("last", passed.last());
    document.put("at", passed.at());
    document.put("attempt", passed.attempt());
    document.put("ledger", passed.ledger());
    document.put("position", CODEC.parse(passed.positionJson()));
    return document;
  }
}
