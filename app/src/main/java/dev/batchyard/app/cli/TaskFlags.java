package dev.batchyard.app.cli;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Requirement;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * What a task is given on a command line, whatever releases it: parameters, where it waits, how it
 * is tried again, how long it may take.
 */
final class TaskFlags {

  @Option(
      names = {"-p", "--param"},
      paramLabel = "NAME=VALUE",
      description =
          "A parameter. Lists as a,b,c; objects as JSON; a file relative to the current folder.")
  private List<String> params = List.of();

  @Option(
      names = "--params",
      paramLabel = "FILE",
      description =
          "All parameters as a JSON object in UTF-8; - for standard input. -p wins over it.")
  private Optional<String> file = Optional.empty();

  @Option(names = "--queue", paramLabel = "NAME", description = "The line it waits in.")
  private Optional<String> queue = Optional.empty();

  @Option(
      names = "--priority",
      paramLabel = "N",
      converter = Numbers.Priority.class,
      description = "0 (urgent) to 7; 4 unless set.")
  private Optional<Integer> priority = Optional.empty();

  @Option(
      names = "--retry",
      paramLabel = "POLICY",
      description =
          "The retry policy; unless set, critical for the priorities 0 and 1, else default.")
  private Optional<String> retry = Optional.empty();

  @Option(
      names = "--requires",
      paramLabel = "LIST",
      description =
          "What its node must have: labels, cores, memory, disk, as gpu=a100,cores=4,memory=8GiB.")
  private Optional<String> requires = Optional.empty();

  @Option(
      names = "--pool",
      paramLabel = "NAME[=N]",
      description = "A pool that it uses while it runs, and how many units of it; 1 unless set.")
  private List<String> pools = List.of();

  @Mixin private LimitFlags limits = new LimitFlags();

  /** {@return whether any of them stands on the command line} */
  boolean given(Context context) {
    return !params.isEmpty()
        || file.isPresent()
        || queue.isPresent()
        || priority.isPresent()
        || retry.isPresent()
        || requires.isPresent()
        || !pools.isEmpty()
        || !limits.read(context).none();
  }

  /**
   * {@return a task of this type as the flags say}
   *
   * @throws CliFailure naming the flag, its value and the cure
   */
  NewTask task(Context context, TaskTypes types, Submitter submitter, String type) {
    Limits within = limits.read(context);
    String json = new ParamFlags(context).json(types.get(type).params(), params, file);
    NewTask read = submitter.read(type, json).withLimits(within);
    try {
      NewTask placed =
          read.withQueue(queue.orElse(read.queue())).withPriority(priority.orElse(read.priority()));
      NewTask tried = retry.map(placed::withRetry).orElse(placed);
      NewTask fitted = requires.map(Requirement::parse).map(tried::withRequirement).orElse(tried);
      return PoolWords.use(fitted, pools);
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, "--" + e.getMessage());
    }
  }
}
