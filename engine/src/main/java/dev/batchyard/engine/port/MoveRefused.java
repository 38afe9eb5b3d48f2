package dev.batchyard.engine.port;

/** A move that other tasks stand in the way of. The message names them and when it can be done. */
public final class MoveRefused extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public MoveRefused(String message) {
    super(message);
  }
}
