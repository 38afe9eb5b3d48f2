package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.LogLines;
import dev.batchyard.engine.port.LogLines.Line;
import dev.batchyard.engine.port.TaskViews;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints what the attempts of a task said. */
@Command(name = "logs", description = "Prints what the attempts of a task said.")
final class LogsCommand implements Callable<Integer> {

  private static final Duration POLL = Duration.ofMillis(300);

  private final Cli cli;

  @Parameters(paramLabel = "ID", converter = Numbers.Id.class, description = "The task.")
  private long task;

  @Option(
      names = {"-f", "--follow"},
      description = "Goes on until the task ends.")
  private boolean follow;

  LogsCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    try (Installation installation = cli.open()) {
      TaskViews views = installation.store().taskViews();
      LogLines lines = installation.store().logLines();
      Show show = new Show(cli.context().zone());
      long last = 0;
      boolean ended;
      do {
        // asked before the lines are read, so that the last ones of an ended task are not missed
        ended =
            views.find(task).orElseThrow(() -> CliFailure.noSuchTask(task)).row().state().ended();
        last = print(lines, show, last);
        if (follow && !ended) {
          Thread.sleep(POLL);
        }
      } while (follow && !ended);
      print(lines, show, last);
    }
    return Exit.OK.code();
  }

  private long print(LogLines lines, Show show, long after) {
    long last = after;
    List<Line> page;
    do {
      page = lines.read(task, last, LogLines.BATCH_MAX);
      for (Line line : page) {
        cli.console().tell(document(line));
        cli.console()
            .say(
                "%s  #%d  %-5s  %s"
                    .formatted(show.at(line.at()), line.attempt(), line.level(), line.text()));
        last = line.id();
      }
    } while (page.size() == LogLines.BATCH_MAX);
    return last;
  }

  private static Map<String, Object> document(Line line) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("at", line.at());
    document.put("task", line.task());
    document.put("attempt", line.attempt());
    document.put("level", line.level());
    document.put("text", line.text());
    return document;
  }
}
