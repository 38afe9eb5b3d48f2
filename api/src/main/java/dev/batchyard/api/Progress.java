package dev.batchyard.api;

/**
 * How far an attempt has come.
 *
 * @param items items (rows, documents) dealt with since the task began, over all its attempts
 * @param fraction share of the work that is done, 0 to 1; negative when nobody can know
 */
public record Progress(long items, double fraction) {
  public Progress {
    if (items < 0) {
      throw new IllegalArgumentException("items < 0: " + items);
    }
    if (Double.isNaN(fraction) || fraction > 1) {
      throw new IllegalArgumentException("fraction not in 0..1: " + fraction);
    }
  }
}
