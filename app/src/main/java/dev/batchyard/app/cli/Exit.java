package dev.batchyard.app.cli;

/** What a script may rely on. */
enum Exit {
  /** All is well. */
  OK(0),
  /** The task failed, the move was refused, or the doctor found something. */
  FAILED(1),
  /** Wrong use: an unknown option or parameter, or one with a value that cannot be. */
  USAGE(2),
  /** The program cannot start, or the database cannot be reached or cannot do what is asked. */
  CANNOT_START(3),
  /** There is no such task, batch, queue, node or retry policy. */
  NOT_FOUND(4),
  /** A defect of the program. */
  DEFECT(70),
  /** The node was worn out by handlers that do not stop: it is to be started again. */
  WORN_OUT(75);

  private final int code;

  Exit(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
