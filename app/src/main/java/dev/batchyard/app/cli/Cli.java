package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.app.Types;
import dev.batchyard.app.Version;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.config.Settings;
import dev.batchyard.app.config.WrongFlag;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.Nearest;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.StatementFailed;
import dev.batchyard.store.server.CannotStart;
import dev.batchyard.web.PortInUse;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The commands, what they share, and how they end: any error is one line on standard error. */
final class Cli {

  private final Context context;
  private final Console console;
  private final Function<Installation, TaskTypes> types;
  private final RootCommand root = new RootCommand();

  Cli(Context context) {
    this(context, Types::of);
  }

  /**
   * With other task types than those that this program brings.
   *
   * @param types over an installation
   */
  Cli(Context context, Function<Installation, TaskTypes> types) {
    this.context = context;
    this.types = types;
    this.console = new Console(context, root);
  }

  /** {@return the exit code of one command} */
  int run(String... args) {
    CommandLine line = new CommandLine(root);
    line.addSubcommand(new DemoCommand(this))
        .addSubcommand(new ServerCommand(this))
        .addSubcommand(new SubmitCommand(this))
        .addSubcommand(new WatchCommand(this))
        .addSubcommand(new TasksCommand(this))
        .addSubcommand(new TaskCommand(this))
        .addSubcommand(new WhyCommand(this))
        .addSubcommand(new CheckpointsCommand(this))
        .addSubcommand(new LogsCommand(this))
        .addSubcommand(new BatchesCommand(this))
        .addSubcommand(new BatchCommand(this))
        .addSubcommand(new CompensationsCommand(this))
        .addSubcommand(new StepCommand(this))
        .addSubcommand(new QueuesCommand(this))
        .addSubcommand(new QueueCommand(this))
        .addSubcommand(new NodesCommand(this))
        .addSubcommand(new NodeCommand(this))
        .addSubcommand(new AutoscaleCommand(this))
        .addSubcommand(PoolCommand.of(this))
        .addSubcommand(new RetryPoliciesCommand(this))
        .addSubcommand(new RetryPolicyCommand(this))
        .addSubcommand(new MarkCommand(this))
        .addSubcommand(new DoctorCommand(this));
    for (MoveCommand.Kind kind : MoveCommand.Kind.values()) {
      line.addSubcommand(kind.word(), MoveCommand.of(this, kind));
    }
    line.getCommandSpec().version("batchyard " + Version.text());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setOut(writer(context.out()));
    line.setErr(writer(context.err()));
    line.setParameterExceptionHandler((problem, ignored) -> wrongUse(problem));
    line.setExecutionExceptionHandler((problem, ignored, parsed) -> failed(problem));
    return line.execute(args);
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
  }

  Context context() {
    return context;
  }

  Console console() {
    return console;
  }

  /** {@return the flags that lead another command to the same store, each behind a space} */
  String place() {
    return root.flags().entrySet().stream()
        .map(flag -> " --%s '%s'".formatted(flag.getKey().word(), flag.getValue()))
        .collect(Collectors.joining());
  }

  /** {@return the settings of this process} */
  Settings settings(Map<Key, String> flags) {
    Map<Key, String> all = new EnumMap<>(Key.class);
    all.putAll(root.flags());
    all.putAll(flags);
    return ConfigReader.read(all, context.environment(), context.home());
  }

  /** {@return the task types over an installation} */
  TaskTypes types(Installation installation) {
    return types.apply(installation);
  }

  /** {@return the store, opened for a command that is no node} */
  Installation open() {
    return Installation.open(settings(Map.of()));
  }

  private int wrongUse(ParameterException problem) {
    String message =
        switch (problem) {
          case UnmatchedArgumentException unmatched -> unmatched(unmatched);
          case MissingParameterException missing when !missing.getMissing().isEmpty() ->
              missing(missing.getMissing());
          case OverwrittenOptionException twice ->
              name(twice.getOverwritten()) + " is given twice; give it once";
          case ParameterException wrong
              when wrong.getArgSpec() != null
                  && wrong.getCause() instanceof TypeConversionException refused ->
              wrong.getArgSpec().arity().max() == 0
                  ? name(wrong.getArgSpec()) + " takes no value; write it alone"
                  : "%s: %s".formatted(name(wrong.getArgSpec()), refused.getMessage());
          default -> String.valueOf(problem.getMessage()).replaceFirst("^Error: ", "");
        };
    String name = problem.getCommandLine().getCommandSpec().qualifiedName();
    console.error(message + "; './" + name + " --help' explains");
    return Exit.USAGE.code();
  }

  private static String missing(List<ArgSpec> missing) {
    return missing.stream()
        .map(each ->
            each.isOption()
                ? "%s needs a value: %s".formatted(name(each), each.paramLabel())
                : each.paramLabel() + " is missing")
        .collect(Collectors.joining(", "));
  }

  /** {@return how a person writes an option, or what the help calls a word} */
  private static String name(ArgSpec arg) {
    return arg instanceof OptionSpec option ? option.longestName() : arg.paramLabel();
  }

  private String unmatched(UnmatchedArgumentException problem) {
    String word = problem.getUnmatched().getFirst();
    CommandLine command = problem.getCommandLine();
    String what =
        word.startsWith("-")
            ? "unknown option '%s'"
            : command.getParent() == null
                ? "unknown command '%s'"
                : command.getCommand() instanceof SubmitCommand
                    ? "'%s' is a word too many; parameters are given as -p name=value"
                    : command.getCommand() instanceof MoveCommand
                        ? "'%s' is no id, or one too many; up to 1000 ids, each a whole number from 1 on"
                        : "'%s' is a word too many";
    return what.formatted(word)
        + near(problem).map(name -> "; did you mean " + name + "?").orElse("");
  }

  private static Optional<String> near(UnmatchedArgumentException unmatched) {
    var spec = unmatched.getCommandLine().getCommandSpec();
    String word = unmatched.getUnmatched().getFirst();
    return Nearest.to(
        word, word.startsWith("-") ? spec.optionsMap().keySet() : spec.subcommands().keySet());
  }

  private int failed(Exception problem) {
    Exit exit =
        switch (problem) {
          case CliFailure failure -> failure.exit();
          case InvalidParameters parameters -> Exit.USAGE;
          case UnknownName name -> Exit.USAGE;
          case WrongFlag flag -> Exit.USAGE;
          case CannotStart start -> Exit.CANNOT_START;
          case StoreUnavailable store -> Exit.CANNOT_START;
          case PortInUse port -> Exit.CANNOT_START;
          case StatementFailed failed when failed.cure().isPresent() -> Exit.CANNOT_START;
          default -> Exit.DEFECT;
        };
    String message =
        problem instanceof StatementFailed failed && failed.cure().isPresent()
            ? failed.cure().get()
            : problem.getMessage() == null ? problem.getClass().getName() : problem.getMessage();
    console.error(
        exit == Exit.DEFECT
            ? "a defect of batchyard (%s): %s; --debug shows where"
                .formatted(problem.getClass().getSimpleName(), message)
            : message);
    if (root.debug()) {
      problem.printStackTrace(context.err());
    }
    return exit.code();
  }
}
