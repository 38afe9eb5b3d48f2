package dev.batchyard.api;

/**
 * Which part of a whole a task is.
 *
 * @param index from 0
 * @param total how many there are; 1 for a task that is no part
 */
public record Part(int index, int total) {

  /** A task that is the whole itself. */
  public static final Part WHOLE = new Part(0, 1);

  public Part {
    if (index < 0 || index >= total) {
      throw new IllegalArgumentException(
          "index: %d must be 0 to total %d - 1".formatted(index, total));
    }
  }
}
