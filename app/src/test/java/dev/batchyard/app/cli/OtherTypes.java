package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.run.TaskTypes;
import java.util.function.Function;

/** The command line of the product with the task types of a test. */
public final class OtherTypes {

  private OtherTypes() {}

  /** Runs one command and ends the process with its exit code. */
  public static void run(Function<Installation, TaskTypes> types, String... arguments) {
    System.exit(new Cli(Context.ofProcess(), types).run(arguments));
  }
}
