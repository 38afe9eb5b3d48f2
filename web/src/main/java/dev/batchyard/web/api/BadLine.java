package dev.batchyard.web.api;

import dev.batchyard.engine.port.InvalidParameters.Problem;
import java.util.List;

/** A line that is no task, with all that is wrong with it as far as it can be told at once. */
final class BadLine extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;

  BadLine(List<Problem> problems) {
    super(problems.toString());
    this.problems = List.copyOf(problems);
  }

  /** Of the whole line. */
  BadLine(String message) {
    this(List.of(new Problem("", message)));
  }

  /** {@return what is wrong, at least one} */
  List<Problem> problems() {
    return problems;
  }
}
