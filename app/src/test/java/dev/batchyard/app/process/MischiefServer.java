package dev.batchyard.app.process;

import dev.batchyard.app.cli.OtherTypes;
import dev.batchyard.engine.run.TaskTypes;
import java.util.List;

/** The product's own {@code server}, with handlers that do mischief. */
final class MischiefServer {

  private MischiefServer() {}

  /** Runs a command of the product. */
  public static void main(String[] arguments) {
    OtherTypes.run(
        installation -> new TaskTypes(List.of(Mischief.type(installation.database().handlers()))),
        arguments);
  }
}
