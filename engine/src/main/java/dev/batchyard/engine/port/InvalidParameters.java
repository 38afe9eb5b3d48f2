package dev.batchyard.engine.port;

import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** Parameters that do not fit. The message lists each problem with its path, value and cure. */
public final class InvalidParameters extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;
  private final int place;

  public InvalidParameters(List<Problem> problems) {
    this(-1, problems);
  }

  /**
   * Those of one draft of a call.
   *
   * @param place of the draft among those of the call, from 0
   */
  public InvalidParameters(int place, List<Problem> problems) {
    super(
        problems.stream()
            .map(p -> p.path().isEmpty() ? p.message() : p.path() + ": " + p.message())
            .collect(Collectors.joining("; ")));
    this.problems = List.copyOf(problems);
    this.place = place;
  }

  /** {@return what is wrong, at least one} */
  public List<Problem> problems() {
    return problems;
  }

  /** {@return the place of the draft among those of its call, from 0; empty if it stood alone} */
  public OptionalInt place() {
    return place < 0 ? OptionalInt.empty() : OptionalInt.of(place);
  }

  /**
   * One thing that is wrong.
   *
   * @param path of the field, such as {@code columns.id}; empty for the whole
   * @param message the value and the cure
   */
  public record Problem(String path, String message) {}
}
