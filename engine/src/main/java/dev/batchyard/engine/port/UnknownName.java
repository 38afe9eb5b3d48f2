package dev.batchyard.engine.port;

import java.util.OptionalInt;

/** A queue, policy or other named thing that does not exist. The message names it and the cure. */
public final class UnknownName extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String field;
  private final int place;

  public UnknownName(String message) {
    super(message);
    field = "";
    place = -1;
  }

  /**
   * One that a draft names.
   *
   * @param field what names it, such as {@code queue}
   * @param place of the first draft that names it among those of the call, from 0
   */
  public UnknownName(String field, int place, String message) {
    super(message);
    this.field = field;
    this.place = place;
  }

  /** {@return what names it in a draft; empty if it was named otherwise} */
  public String field() {
    return field;
  }

  /** {@return the place of the first draft that names it, from 0} */
  public OptionalInt place() {
    return place < 0 ? OptionalInt.empty() : OptionalInt.of(place);
  }
}
