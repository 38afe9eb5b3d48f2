package dev.batchyard.app.cli;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskType;
import dev.batchyard.app.Installation;
import dev.batchyard.app.Types;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Submits one task. */
@Command(
    name = "submit",
    description = "Submits a task; when it returns, the task is durable.",
    footer = {
      "",
      "Example: submit data.import -p file=orders.csv -p table=orders -p create=true --watch"
    })
final class SubmitCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(paramLabel = "TYPE", description = "The task type, such as data.import.")
  private String type = "";

  @Option(
      names = {"-p", "--param"},
      paramLabel = "NAME=VALUE",
      description =
          "A parameter. Lists as a,b,c; objects as JSON; a file relative to the current folder.")
  private List<String> params = List.of();

  @Option(
      names = "--params",
      paramLabel = "FILE",
      description = "All parameters as a JSON object; - for standard input. -p wins over it.")
  private Optional<String> file = Optional.empty();

  @Option(names = "--label", paramLabel = "TEXT", description = "What people see in lists.")
  private Optional<String> label = Optional.empty();

  @Option(
      names = "--due",
      paramLabel = "WHEN",
      description = "Not before 2026-12-31T22:00:00+08:00, or in PT15M from now.")
  private Optional<String> due = Optional.empty();

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description = "A second submit of this type and key returns the first task.")
  private Optional<String> key = Optional.empty();

  @Option(
      names = "--unique-live",
      paramLabel = "KEY",
      description = "Until it has ended, a submit of this type and key returns it.")
  private Optional<String> uniqueLive = Optional.empty();

  @Option(
      names = "--unique-within",
      paramLabel = "PERIOD:KEY",
      description = "For so long, such as 10m:KEY, a submit of this type and key returns it.")
  private Optional<String> uniqueWithin = Optional.empty();

  @Option(names = "--batch", paramLabel = "ID", description = "The open batch that it joins.")
  private Optional<Long> batch = Optional.empty();

  @Option(names = "--queue", paramLabel = "NAME", description = "The line it waits in.")
  private Optional<String> queue = Optional.empty();

  @Option(names = "--priority", paramLabel = "N", description = "0 (urgent) to 7; 4 unless set.")
  private int priority = NewTask.DEFAULT_PRIORITY;

  @Option(
      names = "--retry",
      paramLabel = "POLICY",
      description = "The retry policy: default or critical; by priority unless set.")
  private Optional<String> retry = Optional.empty();

  @Mixin private LimitFlags limits = new LimitFlags();

  @Option(
      names = "--watch",
      description = "Watches it until it ends; exit code 1 unless it completes.")
  private boolean watch;

  SubmitCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    Optional<Instant> dueAt = due.map(text -> LimitFlags.instant(cli.context(), "--due", text));
    try (Installation installation = cli.open()) {
      TaskTypes types = Types.of(installation);
      TaskType<?> known = types.get(type);
      Submitter submitter =
          new Submitter(
              types,
              new JacksonParameters(),
              installation.store().submissions(),
              installation.store().batches());
      String json = new ParamFlags(cli.context()).json(known.params(), params, file);
      Submitted answer = submitter.submit(task(submitter.read(type, json), dueAt));
      cli.console()
          .say(
              answer.fresh()
                  ? "task %d submitted".formatted(answer.task())
                  : "task %d holds this key already; nothing was submitted"
                      .formatted(answer.task()));
      if (!watch) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("id", answer.task());
        document.put("fresh", answer.fresh());
        cli.console().tell(document);
        return Exit.OK.code();
      }
      return new Watcher(cli, installation.store()).follow(answer.task()).code();
    }
  }

  private NewTask task(NewTask read, Optional<Instant> dueAt) {
    try {
      return new NewTask(
          read.type(),
          read.params(),
          label.orElse(read.label()),
          queue.orElse(read.queue()),
          priority,
          dueAt,
          new TaskKeys(key, uniqueLive, uniqueWithin.map(SubmitCommand::within)),
          batch.map(OptionalLong::of).orElse(OptionalLong.empty()),
          retry,
          limits.read(cli.context()));
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, "--" + e.getMessage());
    }
  }

  private static TaskKeys.Within within(String text) {
    int colon = text.indexOf(':');
    if (colon < 0) {
      throw new IllegalArgumentException(
          "unique-within '%s' must be a period, a colon and a key, such as 10m:KEY"
              .formatted(text));
    }
    return new TaskKeys.Within(
        text.substring(colon + 1), Periods.read("unique-within", text.substring(0, colon)));
  }
}
