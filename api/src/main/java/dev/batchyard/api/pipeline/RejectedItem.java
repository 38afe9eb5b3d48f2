package dev.batchyard.api.pipeline;

/** Thrown by a step for an item that goes to the rejects. Carries no stack trace: it is a value. */
public final class RejectedItem extends Exception {
  private static final long serialVersionUID = 1L;

  private final String column;

  /**
   * Rejects an item.
   *
   * @param column the column at fault, or empty
   * @param reason what is wrong with which value
   */
  public RejectedItem(String column, String reason) {
    super(reason, null, false, false);
    this.column = column;
  }

  /** {@return the column at fault, or empty} */
  public String column() {
    return column;
  }
}
