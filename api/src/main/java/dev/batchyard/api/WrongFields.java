package dev.batchyard.api;

import java.util.List;
import java.util.stream.Collectors;

/**
 * What the constructor of a parameters record throws to refuse several fields at once. Beside an
 * IllegalArgumentException of one message it has this to offer: when a field of the same submit is
 * missing or mistyped, those refused here are told along with it.
 */
public final class WrongFields extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient List<Wrong> fields;

  /**
   * One field that is refused.
   *
   * @param field its path, such as {@code columns[0]}
   * @param message the value and the cure
   */
  public record Wrong(String field, String message) {}

  /** Refuses these, at least one. */
  public WrongFields(List<Wrong> fields) {
    super(
        fields.stream()
            .map(wrong -> wrong.field() + ": " + wrong.message())
            .collect(Collectors.joining("; ")));
    this.fields = List.copyOf(fields);
  }

  /** {@return what is refused, in the order of the record} */
  public List<Wrong> fields() {
    return fields;
  }
}
