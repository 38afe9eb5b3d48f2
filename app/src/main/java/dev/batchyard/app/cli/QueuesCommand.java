package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.Queues.QueueRow;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Lists queues. */
@Command(name = "queues", description = "Lists the queues: what waits, what runs, who paused them.")
final class QueuesCommand implements Callable<Integer> {

  private final Cli cli;

  QueuesCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    try (Installation installation = cli.open()) {
      List<QueueRow> queues = installation.store().queues().list();
      queues.forEach(cli.console()::tell);
      cli.console().say(new Show(cli.context().zone()).queues(queues));
    }
    return Exit.OK.code();
  }
}
