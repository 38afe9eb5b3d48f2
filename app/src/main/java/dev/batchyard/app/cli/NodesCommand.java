package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Lists nodes. */
@Command(
    name = "nodes",
    description = "Lists the nodes that live, and those that ended within the last hour.",
    footer = {
      "",
      "Load is 0.4 x cpu + 0.4 x memory + 0.2 x tasks, the last being the share of its slots that are taken.",
      "Labels are cut after 40 cells of the terminal; --json has all of them."
    })
final class NodesCommand implements Callable<Integer> {

  private final Cli cli;

  NodesCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    try (Installation installation = cli.open()) {
      List<NodeRow> nodes = installation.store().nodeViews().nodes();
      nodes.stream().map(NodeWords::document).forEach(cli.console()::tell);
      cli.console()
          .say(
              nodes.isEmpty()
                  ? "no node lives, and none ended within the last hour; './batchyard server' starts one"
                  : new NodeWords(cli.context().zone()).table(nodes));
    }
    return Exit.OK.code();
  }
}
