package dev.batchyard.engine.port;

/** The node's dedicated connection is gone; whether others still see its lock is unknown. */
public final class SessionLost extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public SessionLost(String message, Throwable cause) {
    super(message, cause);
  }
}
