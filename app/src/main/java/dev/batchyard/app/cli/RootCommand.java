package dev.batchyard.app.cli;

import dev.batchyard.app.config.Key;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The program without a command, and the options that every command takes. */
@Command(
    name = "batchyard",
    description = "Runs long, restartable batch work and keeps every fact about it in PostgreSQL.",
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    synopsisSubcommandLabel = "COMMAND",
    usageHelpAutoWidth = true,
    footer = {
      "",
      "Exit codes: 0 fine, 1 the task failed, the move was refused or the doctor found something, 2 wrong use,",
      "3 cannot start or the database cannot be reached, 4 no such task, batch, queue, node, pool or retry policy,",
      "70 a defect of batchyard."
    })
final class RootCommand implements Runnable {

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      scope = ScopeType.INHERIT,
      description = "The data folder; ~/.batchyard unless set.")
  private Optional<String> data = Optional.empty();

  @Option(
      names = "--db",
      paramLabel = "URL",
      scope = ScopeType.INHERIT,
      description = "jdbc:postgresql://host:port/database instead of the embedded server.")
  private Optional<String> db = Optional.empty();

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      description = "Prints one JSON document a line, for machines.")
  private boolean json;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Adds the stack trace to an error.")
  private boolean debug;

  boolean json() {
    return json;
  }

  boolean debug() {
    return debug;
  }

  Map<Key, String> flags() {
    Map<Key, String> flags = new EnumMap<>(Key.class);
    data.ifPresent(value -> flags.put(Key.DATA, value));
    db.ifPresent(value -> flags.put(Key.DB, value));
    return flags;
  }

  @Override
  public void run() {
    CommandSpec self = java.util.Objects.requireNonNull(spec);
    throw new ParameterException(
        self.commandLine(),
        "a command is missing: " + String.join(", ", self.subcommands().keySet()));
  }
}
