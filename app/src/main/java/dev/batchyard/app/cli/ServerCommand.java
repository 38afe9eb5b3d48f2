package dev.batchyard.app.cli;

import dev.batchyard.app.config.Key;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs a node until it is stopped. */
@Command(
    name = "server",
    description = "Runs a node with its pages until it is stopped (Ctrl-C, SIGTERM).")
final class ServerCommand implements Callable<Integer> {

  private final Cli cli;

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "The port of the pages on 127.0.0.1; 8470 unless set, 0 for any.")
  private Optional<String> port = Optional.empty();

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "The node's name; keep it over restarts. Host name and a number unless set.")
  private Optional<String> name = Optional.empty();

  @Option(
      names = "--slots",
      paramLabel = "N",
      description = "Attempts that the node runs at once; 8 unless set.")
  private Optional<String> slots = Optional.empty();

  @Option(
      names = "--labels",
      paramLabel = "LABELS",
      description = "What tasks can ask of the node, such as gpu=a100,zone=eu.")
  private Optional<String> labels = Optional.empty();

  @Option(
      names = "--queues",
      paramLabel = "NAMES",
      description = "The queues that the node serves, such as default,nightly; all unless set.")
  private Optional<String> queues = Optional.empty();

  @Option(names = "--no-web", description = "Serves no pages.")
  private boolean noWeb;

  ServerCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    Map<Key, String> flags = new EnumMap<>(Key.class);
    port.ifPresent(value -> flags.put(Key.PORT, value));
    name.ifPresent(value -> flags.put(Key.NAME, value));
    slots.ifPresent(value -> flags.put(Key.SLOTS, value));
    labels.ifPresent(value -> flags.put(Key.LABELS, value));
    queues.ifPresent(value -> flags.put(Key.QUEUES, value));
    try (Serving serving = Serving.start(cli, cli.settings(flags), !noWeb)) {
      Map<String, Object> document = new LinkedHashMap<>();
      document.put("node", serving.nodeName());
      serving.url().ifPresent(url -> document.put("url", url.toString()));
      cli.console().tell(document);
      cli.console().say("node %s serves; Ctrl-C stops it".formatted(serving.nodeName()));
      serving.url().ifPresent(url -> cli.console().say("pages: " + url));
      return serving.untilStopped().code();
    }
  }
}
