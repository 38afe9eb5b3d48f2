package dev.batchyard.api.pipeline;

/**
 * The counts of a task's items. {@code read = written + skipped + rejected} at every commit.
 *
 * @param read items taken from the source
 * @param written items in the target
 * @param skipped items passed over on purpose
 * @param rejected items kept in the rejects
 */
public record Ledger(long read, long written, long skipped, long rejected) {

  /** Nothing read yet. */
  public static final Ledger EMPTY = new Ledger(0, 0, 0, 0);

  public Ledger {
    if (read != written + skipped + rejected) {
      throw new IllegalArgumentException(
          "ledger does not balance: read %d, written %d, skipped %d, rejected %d"
              .formatted(read, written, skipped, rejected));
    }
  }

  /** {@return the sum of both} */
  public Ledger plus(Ledger other) {
    return new Ledger(
        read + other.read,
        written + other.written,
        skipped + other.skipped,
        rejected + other.rejected);
  }
}
