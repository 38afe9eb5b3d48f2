package dev.batchyard.engine.port;

/** A queue, policy or other named thing that does not exist. The message names it and the cure. */
public final class UnknownName extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public UnknownName(String message) {
    super(message);
  }
}
