package dev.batchyard.store.server;

/** Why this program cannot start: one line that names the path or field, the value and the cure. */
public final class CannotStart extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CannotStart(String message) {
    super(message);
  }

  public CannotStart(String message, Throwable cause) {
    super(message, cause);
  }
}
