package dev.batchyard.app.cli;

import dev.batchyard.api.TaskState;
import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.store.Store;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What a person does to tasks. */
@Command
final class MoveCommand implements Callable<Integer> {

  /** The moves. */
  enum Kind {
    /** Sets it aside. */
    PAUSE("Stops tasks, running ones at their next checkpoint; they keep their place.", "paused"),
    /** Puts it back. */
    RESUME("Lets paused tasks go on where they stopped.", "resumed"),
    /** Ends it. */
    CANCEL("Ends tasks, running ones as soon as they obey.", "cancelled"),
    /** Runs it again. */
    RERUN(
        "Runs failed, cancelled or quarantined tasks again, from their checkpoint.", "runs again");

    private final String description;
    private final String done;

    Kind(String description, String done) {
      this.description = description;
      this.done = done;
    }

    String description() {
      return description;
    }

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Cli cli;
  private final Kind kind;
  private final RerunFlags reruns = new RerunFlags();
  private final CancelFlags cancels = new CancelFlags();

  @Parameters(
      paramLabel = "ID",
      arity = "0..1000",
      converter = Numbers.Id.class,
      description = "The tasks.")
  private List<Long> tasks = List.of();

  @Option(
      names = "--from-checkpoint",
      paramLabel = "N",
      description =
          "With resume and rerun, of one task: goes on from a checkpoint that it has passed, as 'checkpoints ID' lists them.")
  private Optional<Integer> fromCheckpoint = Optional.empty();

  private MoveCommand(Cli cli, Kind kind) {
    this.cli = cli;
    this.kind = kind;
  }

  static CommandLine of(Cli cli, Kind kind) {
    MoveCommand command = new MoveCommand(cli, kind);
    CommandLine line = new CommandLine(command);
    line.getCommandSpec().usageMessage().description(kind.description());
    if (kind == Kind.RERUN) {
      line.addMixin("filter", command.reruns);
      line.getCommandSpec()
          .usageMessage()
          .footer("", "Example: rerun --error 'Sql*' --since 2h --dry-run");
    } else if (kind == Kind.CANCEL) {
      line.addMixin("filter", command.cancels);
      line.getCommandSpec()
          .usageMessage()
          .footer("", "Example: cancel --queue nightly --state ready,scheduled --dry-run");
    }
    return line;
  }

  @Override
  public Integer call() {
    fromCheckpoint.ifPresent(this::requireOneThatGoesOn);
    if (tasks.isEmpty() || reruns.given() || cancels.given()) {
      return all().code();
    }
    Exit worst = Exit.OK;
    try (Installation installation = cli.open()) {
      for (long task : tasks) {
        Exit exit = tried(installation.store(), task);
        worst = exit.code() > worst.code() ? exit : worst;
      }
    }
    return worst.code();
  }

  private Exit all() {
    if (kind != Kind.RERUN && kind != Kind.CANCEL) {
      throw new CliFailure(Exit.USAGE, "%s: which tasks? Give their ids".formatted(kind.word()));
    }
    if (!tasks.isEmpty()) {
      throw new CliFailure(Exit.USAGE, "%s: give ids or filters, not both".formatted(kind.word()));
    }
    try (Installation installation = cli.open()) {
      Bulk bulk = new Bulk(cli);
      return kind == Kind.RERUN
          ? bulk.rerun(installation.store(), reruns)
          : bulk.cancel(installation.store(), cancels);
    }
  }

  private void requireOneThatGoesOn(int checkpoint) {
    if (kind != Kind.RESUME && kind != Kind.RERUN) {
      throw new CliFailure(
          Exit.USAGE,
          "--from-checkpoint: %s goes on from nowhere; it is for resume and rerun"
              .formatted(kind.word()));
    }
    if (tasks.size() > 1) {
      throw new CliFailure(
          Exit.USAGE,
          "--from-checkpoint: %d is of one task, and %d are given"
              .formatted(checkpoint, tasks.size()));
    }
  }

  private Exit tried(Store store, long task) {
    try {
      return move(store, task);
    } catch (MoveRefused e) {
      cli.console().error(String.valueOf(e.getMessage()));
      return Exit.FAILED;
    }
  }

  private Exit move(Store store, long task) {
    String by = cli.context().user();
    OperatorMoves moves = store.operatorMoves();
    Optional<Instant> early = kind == Kind.RERUN ? dueLater(store, task) : Optional.empty();
    OptionalInt from = fromCheckpoint.map(OptionalInt::of).orElse(OptionalInt.empty());
    OperatorMoves.Move answer =
        switch (kind) {
          case PAUSE -> moves.pause(task, by);
          case RESUME -> moves.resume(task, by, from);
          case CANCEL -> moves.cancel(task, by);
          case RERUN -> moves.rerun(task, by, from);
        };
    String state =
        store
            .taskViews()
            .find(task)
            .map(found -> found.row().state())
            .map(TaskState::word)
            .orElse("gone");
    if (answer == OperatorMoves.Move.ALREADY && !isThere(state)) {
      answer = OperatorMoves.Move.REFUSED;
    }
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("id", task);
    document.put("move", kind);
    document.put("answer", answer);
    document.put("state", state);
    boolean done = answer == OperatorMoves.Move.DONE;
    early.filter(_ -> done).ifPresent(due -> document.put("wasDue", due));
    cli.console().tell(document);
    return switch (answer) {
      case DONE ->
          fine("task %d %s".formatted(task, kind.done) + early.map(this::notWaiting).orElse(""));
      case REQUESTED ->
          fine(
              "task %d runs; its attempt was asked to %s and does so at its next checkpoint"
                  .formatted(task, kind.word()));
      case ALREADY -> fine("task %d is %s already; nothing to do".formatted(task, state));
      case REFUSED -> refused(task, state);
      case NOT_FOUND -> {
        cli.console().error(String.valueOf(CliFailure.noSuchTask(task).getMessage()));
        yield Exit.NOT_FOUND;
      }
    };
  }

  /** {@return when a task was to begin that has ended before that time} */
  private Optional<Instant> dueLater(Store store, long task) {
    Instant now = cli.context().clock().instant();
    return store
        .taskViews()
        .find(task)
        .filter(found -> found.row().state().ended())
        .map(found -> found.row().due())
        .filter(due -> due.isAfter(now));
  }

  private String notWaiting(Instant due) {
    return " and starts now, though it was due at "
        + new Show(cli.context().zone()).at(due)
        + "; to keep that time, cancel it and submit it anew with --due";
  }

  private Exit fine(String text) {
    cli.console().say(text);
    return Exit.OK;
  }

  private Exit refused(long task, String state) {
    cli.console().error("task %d is %s; %s".formatted(task, state, rule()));
    return Exit.FAILED;
  }

  /** Whether the task is where the move leads, so that a repeated command does no harm. */
  private boolean isThere(String state) {
    return switch (kind) {
      case PAUSE -> state.equals(TaskState.PAUSED.word());
      case CANCEL -> state.equals(TaskState.CANCELLED.word());
      case RESUME, RERUN ->
          Arrays.stream(TaskState.values()).anyMatch(s -> s.word().equals(state) && !s.ended());
    };
  }

  private String rule() {
    return switch (kind) {
      case PAUSE -> "only a task that has not ended can be paused";
      case RESUME -> "only a paused task can be resumed";
      case CANCEL -> "only a task that has not ended can be cancelled";
      case RERUN -> "only a failed, cancelled or quarantined task can run again";
    };
  }
}
