package dev.batchyard.app.config;

/** A flag has a value that cannot be; the message names the flag, its value and the cure. */
public final class WrongFlag extends RuntimeException {
  private static final long serialVersionUID = 1L;

  WrongFlag(String message, Throwable cause) {
    super(message, cause);
  }
}
