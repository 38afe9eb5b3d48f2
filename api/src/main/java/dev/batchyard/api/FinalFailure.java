package dev.batchyard.api;

/**
 * A failure that trying again cannot mend: a missing file, a column that does not exist. The task
 * fails at once, whatever its retry policy. The message names the field or path, the value and the
 * cure, since it is all that a person sees first.
 */
public final class FinalFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public FinalFailure(String message) {
    super(message);
  }

  public FinalFailure(String message, Throwable cause) {
    super(message, cause);
  }
}
