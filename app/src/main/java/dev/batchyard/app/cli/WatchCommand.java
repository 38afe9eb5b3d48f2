package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Shows a task until it ends. */
@Command(
    name = "watch",
    description =
        "Shows a task until it ends: bar, rate, time left. Ctrl-C leaves the task running.")
final class WatchCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(paramLabel = "ID", converter = Numbers.Id.class, description = "The task.")
  private long task;

  WatchCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    try (Installation installation = cli.open()) {
      return new Watcher(cli, installation.store()).follow(task).code();
    }
  }
}
