package dev.batchyard.app.cli;

/** Ends a command with one line on standard error. */
final class CliFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Exit exit;

  CliFailure(Exit exit, String message) {
    super(message);
    this.exit = exit;
  }

  static CliFailure noSuchTask(long task) {
    return new CliFailure(
        Exit.NOT_FOUND, "task %d: there is none; './batchyard tasks' lists them".formatted(task));
  }

  Exit exit() {
    return exit;
  }
}
