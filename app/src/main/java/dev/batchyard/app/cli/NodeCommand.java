package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.Cordons;
import dev.batchyard.engine.port.NodeViews.HeldTask;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Cordons, drains, uncordons one node; then shows it and what it holds. */
@Command(
    name = "node",
    description = "Shows one node and the tasks that it holds; with an option, changes it first.",
    footer = {
      "",
      "A cordoned node claims nothing, also after a restart; what runs on it goes on. One that is drained",
      "also hands over what it runs at the next checkpoints, uncharged; other nodes go on with it.",
      "Example: node host-1 --drain --end"
    })
final class NodeCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(paramLabel = "NAME", description = "The node.")
  private String name = "";

  @ArgGroup private Wish wish = new Wish();

  @Option(names = "--end", description = "With --drain: it ends when it holds nothing any more.")
  private boolean end;

  /** At most one of them. */
  static final class Wish {
    @Option(names = "--cordon", description = "Lets it claim nothing any more.")
    private boolean cordon;

    @Option(names = "--drain", description = "Cordons it, and has it hand over what it runs.")
    private boolean drain;

    @Option(names = "--uncordon", description = "Lets it claim again.")
    private boolean uncordon;
  }

  NodeCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    if (end && !wish.drain) {
      throw new CliFailure(Exit.USAGE, "--end goes with --drain; give both, or leave it out");
    }
    try (Installation installation = cli.open()) {
      change(installation.store().cordons());
      List<NodeRow> nodes =
          installation.store().nodeViews().nodes().stream()
              .filter(node -> node.name().equals(name))
              .toList();
      if (nodes.isEmpty()) {
        throw noSuchNode();
      }
      NodeRow node = nodes.stream().filter(NodeRow::alive).findFirst().orElse(nodes.getLast());
      List<HeldTask> held = installation.store().nodeViews().held(name);
      Map<String, Object> document = new LinkedHashMap<>(NodeWords.document(node));
      document.put("tasks", held);
      cli.console().tell(document);
      NodeWords words = new NodeWords(cli.context().zone());
      cli.console().say(words.table(List.of(node)));
      cli.console().say(words.held(node, held));
    }
    return Exit.OK.code();
  }

  private void change(Cordons cordons) {
    String by = cli.context().user();
    if (wish.cordon) {
      tell(cordons.cordon(name, by), "cordoned", "is cordoned already");
    }
    if (wish.drain) {
      tell(cordons.drain(name, end, by), "is being drained", "is being drained already");
    }
    if (wish.uncordon) {
      tell(cordons.uncordon(name), "claims again", "is not cordoned");
    }
  }

  private void tell(Cordons.Change change, String done, String already) {
    cli.console()
        .say(
            "node %s %s"
                .formatted(
                    name,
                    switch (change) {
                      case DONE -> done;
                      case ALREADY -> already;
                      case NOT_FOUND -> throw noSuchNode();
                    }));
  }

  private CliFailure noSuchNode() {
    return new CliFailure(
        Exit.NOT_FOUND,
        "node '%s': none of this name lives, or ended within the last hour; './batchyard nodes' lists them"
            .formatted(name));
  }
}
