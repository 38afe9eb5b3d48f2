package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.Queues;
import dev.batchyard.engine.port.Queues.Change;
import dev.batchyard.engine.port.Queues.QueueRow;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes, pauses, resumes, sets one queue; then shows it. */
@Command(
    name = "queue",
    description = "Shows one queue; with options, makes or changes it first.",
    footer = {
      "",
      "A paused queue lets nothing start, on any node; what runs goes on.",
      "The age step is how long a task must have waited to count as one priority more urgent;",
      "0s lets tasks start in the order of their due times.",
      "Example: queue nightly --create --age-step 10m"
    })
final class QueueCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(paramLabel = "NAME", description = "The queue.")
  private String name = "";

  @Option(names = "--create", description = "Makes it, if there is none of this name.")
  private boolean create;

  @Option(
      names = "--age-step",
      paramLabel = "TIME",
      converter = Spans.AgeStep.class,
      description = "Such as 60s, which it is unless set; at most 30d.")
  private Optional<Duration> ageStep = Optional.empty();

  @ArgGroup private Stop stop = new Stop();

  /** Whether its tasks may start; at most one of the two. */
  static final class Stop {
    @Option(names = "--pause", description = "Lets nothing of it start.")
    private boolean pause;

    @Option(names = "--resume", description = "Lets its tasks start again.")
    private boolean resume;
  }

  QueueCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    try (Installation installation = cli.open()) {
      Queues queues = installation.store().queues();
      change(queues);
      QueueRow row =
          queues.list().stream()
              .filter(queue -> queue.name().equals(name))
              .findFirst()
              .orElseThrow(this::noSuchQueue);
      cli.console().tell(row);
      cli.console().say(new Show(cli.context().zone()).queues(List.of(row)));
    }
    return Exit.OK.code();
  }

  private void change(Queues queues) {
    try {
      if (create) {
        tell(queues.create(name), "made", "is there already");
      }
      if (ageStep.isPresent()) {
        tell(
            queues.ageStep(name, ageStep.get()),
            "has the new age step",
            "has this age step already");
      }
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, String.valueOf(e.getMessage()));
    }
    if (stop.pause) {
      tell(queues.pause(name, cli.context().user()), "paused", "is paused already");
    }
    if (stop.resume) {
      tell(queues.resume(name), "resumed", "is not paused");
    }
  }

  private void tell(Change change, String done, String already) {
    cli.console()
        .say(
            "queue %s %s"
                .formatted(
                    name,
                    switch (change) {
                      case DONE -> done;
                      case ALREADY -> already;
                      case NOT_FOUND -> throw noSuchQueue();
                    }));
  }

  private CliFailure noSuchQueue() {
    return new CliFailure(
        Exit.NOT_FOUND,
        "queue '%s': there is none; './batchyard queues' lists them, --create makes one"
            .formatted(name));
  }
}
