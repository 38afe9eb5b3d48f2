package dev.batchyard.engine.port;

/**
 * The store did not answer, or its answer is unknown: a statement may have committed. Every port
 * may throw it; callers repeat calls that recognise their own first try, or let reconciliation
 * settle it.
 */
public final class StoreUnavailable extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public StoreUnavailable(String message, Throwable cause) {
    super(message, cause);
  }
}
