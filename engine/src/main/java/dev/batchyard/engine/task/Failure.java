package dev.batchyard.engine.task;

import dev.batchyard.api.FinalFailure;
import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * Why an attempt failed, as it is stored and shown.
 *
 * @param kind the simple name of what was thrown; empty for a {@link FinalFailure} whose message
 *     says it all
 * @param message one sentence for a person, at most 2,000 characters
 * @param trace the stack trace, at most 8,000 characters; empty for a {@link FinalFailure} whose
 *     message says it all: one that no RuntimeException and no Error has caused, since those point
 *     at a mistake in the code
 */
public record Failure(String kind, String message, String trace) {

  private static final int MESSAGE_MAX = 2_000;
  private static final int TRACE_MAX = 8_000;

  /** Causes may form a ring. */
  private static final int CAUSES_MAX = 50;

  public Failure {
    kind = clean(kind, 200);
    message = clean(message, MESSAGE_MAX);
    trace = clean(trace, TRACE_MAX);
  }

  /** {@return what was thrown, fit to be stored} */
  public static Failure of(Throwable thrown) {
    String message = thrown.getMessage();
    boolean saysItAll = saysItAll(thrown);
    return new Failure(
        saysItAll ? "" : thrown.getClass().getSimpleName(),
        message == null ? thrown.getClass().getName() : message,
        saysItAll ? "" : trace(thrown));
  }

  /** {@return kind and message, as a line of a log has them} */
  public String told() {
    return kind.isEmpty() ? message : kind + ": " + message;
  }

  private static boolean saysItAll(Throwable thrown) {
    if (!(thrown instanceof FinalFailure) || thrown.getMessage() == null) {
      return false;
    }
    Throwable cause = thrown.getCause();
    for (int depth = 0; cause != null && depth < CAUSES_MAX; depth++) {
      boolean foreseen = cause instanceof FinalFailure || !(cause instanceof RuntimeException);
      if (!foreseen || cause instanceof Error) {
        return false;
      }
      cause = cause.getCause();
    }
    return cause == null;
  }

  private static String trace(Throwable thrown) {
    StringWriter text = new StringWriter();
    thrown.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  /** PostgreSQL takes neither NUL nor a lone surrogate; a failure must never fail to be stored. */
  private static String clean(String text, int max) {
    StringBuilder kept = new StringBuilder(Math.min(text.length(), max));
    text.codePoints()
        .limit(max)
        .map(c -> c == 0 || (c >= 0xD800 && c <= 0xDFFF) ? 0xFFFD : c)
        .forEach(kept::appendCodePoint);
    return kept.toString();
  }
}
