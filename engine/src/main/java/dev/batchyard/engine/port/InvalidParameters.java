package dev.batchyard.engine.port;

import java.util.List;
import java.util.stream.Collectors;

/** Parameters that do not fit. The message lists each problem with its path, value and cure. */
public final class InvalidParameters extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;

  public InvalidParameters(List<Problem> problems) {
    super(
        problems.stream()
            .map(p -> p.path().isEmpty() ? p.message() : p.path() + ": " + p.message())
            .collect(Collectors.joining("; ")));
    this.problems = List.copyOf(problems);
  }

  /** {@return what is wrong, at least one} */
  public List<Problem> problems() {
    return problems;
  }

  /**
   * One thing that is wrong.
   *
   * @param path of the field, such as {@code columns.id}; empty for the whole
   * @param message the value and the cure
   */
  public record Problem(String path, String message) {}
}
