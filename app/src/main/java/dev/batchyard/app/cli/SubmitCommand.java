package dev.batchyard.app.cli;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.app.Installation;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.Broadcasts;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
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

  @Option(names = "--label", paramLabel = "TEXT", description = "What people see in lists.")
  private Optional<String> label = Optional.empty();

  @Option(
      names = "--due",
      paramLabel = "WHEN",
      description = "Not before 2026-12-31T22:00:00+08:00, or in 15m from now.")
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

  @Option(
      names = "--batch",
      paramLabel = "ID",
      converter = Numbers.Id.class,
      description = "The open batch that it joins.")
  private Optional<Long> batch = Optional.empty();

  @Option(
      names = "--broadcast",
      description =
          "One task for each live node that may run it, bound to that node; a batch counts them.")
  private boolean broadcast;

  @Mixin private TaskFlags flags = new TaskFlags();

  @Option(
      names = "--watch",
      description = "Watches it until it ends; exit code 1 unless it completes.")
  private boolean watch;

  SubmitCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    if (broadcast && watch) {
      throw new CliFailure(
          Exit.USAGE, "--watch: watches one task; leave it out, or use 'batch ID' to see them all");
    }
    Optional<Instant> dueAt = due.map(text -> LimitFlags.instant(cli.context(), "--due", text));
    try (Installation installation = cli.open()) {
      TaskTypes types = cli.types(installation);
      Submitter submitter =
          new Submitter(
              types,
              new JacksonParameters(),
              installation.store().submissions(),
              installation.store().batches());
      NewTask task = flags.task(cli.context(), types, submitter, type);
      if (broadcast) {
        return broadcast(installation, submitter.draft(named(task, dueAt)));
      }
      Submitted answer = submitter.submit(named(task, dueAt));
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

  private int broadcast(Installation installation, TaskDraft draft) {
    Broadcasts.Sent sent = installation.store().broadcasts().submit(draft);
    cli.console()
        .say(
            "batch %d: a task for each of %d nodes: %s"
                .formatted(
                    sent.batch(),
                    sent.tasks().size(),
                    sent.tasks().stream()
                        .map(each -> "%s (task %d)".formatted(each.node(), each.task()))
                        .collect(Collectors.joining(", "))));
    cli.console().tell(sent);
    return Exit.OK.code();
  }

  private NewTask named(NewTask task, Optional<Instant> dueAt) {
    try {
      NewTask named = label.map(task::withLabel).orElse(task);
      named = dueAt.map(named::withDue).orElse(named);
      named = batch.isPresent() ? named.withBatch(batch.get()) : named;
      return named.withKeys(new TaskKeys(key, uniqueLive, uniqueWithin.map(SubmitCommand::within)));
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, "--" + e.getMessage());
    }
  }

  private static TaskKeys.Within within(String text) {
    int colon = Math.max(0, text.indexOf(':'));
    Duration period =
        Spans.read(text.substring(0, colon))
            .filter(span ->
                span.compareTo(Duration.ofMillis(1)) >= 0
                    && span.compareTo(TaskKeys.Within.PERIOD_MAX) <= 0)
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "unique-within: '%s' must begin with a period from 1ms to %dd and a colon, such as 10m:KEY"
                        .formatted(text, TaskKeys.Within.PERIOD_MAX.toDays())));
    return new TaskKeys.Within(text.substring(colon + 1), period);
  }
}
