package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.Demands;
import dev.batchyard.engine.port.Demands.Demand;
import dev.batchyard.web.api.AutoscaleJson;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Tells how many nodes the work that there is asks for. */
@Command(
    name = "autoscale",
    description = "How many nodes the work that waits and runs asks for, in all and by queue.")
final class AutoscaleCommand implements Callable<Integer> {

  private final Cli cli;

  AutoscaleCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    try (Installation installation = cli.open()) {
      Demands demands = installation.store().demands();
      Demand all = demands.all();
      List<Demand> groups = demands.list();
      cli.console().tell(AutoscaleJson.document(all, groups));
      cli.console().say(text(all, groups));
    }
    return Exit.OK.code();
  }

  private static String text(Demand all, List<Demand> groups) {
    Table table =
        new Table(
            "queue",
            "requires",
            "desired nodes",
            "nodes",
            "slots",
            "waiting",
            "held",
            "oldest",
            "running");
    add(table, "(all)", "", all);
    groups.forEach(group -> add(table, group.queue(), group.requires(), group));
    return table.text();
  }

  private static void add(Table table, String queue, String requires, Demand demand) {
    table.add(
        queue,
        requires.isEmpty() ? "-" : requires,
        String.valueOf(demand.desiredNodes()),
        String.valueOf(demand.nodes()),
        String.valueOf(demand.slots()),
        "%,d".formatted(demand.waiting()),
        "%,d".formatted(demand.held()),
        demand.waiting() == 0 ? "-" : Spans.text(demand.oldest().truncatedTo(ChronoUnit.SECONDS)),
        "%,d".formatted(demand.running()));
  }
}
