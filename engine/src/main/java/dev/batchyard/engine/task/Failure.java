package dev.batchyard.engine.task;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * Why an attempt failed, as it is stored and shown.
 *
 * @param kind the simple name of what was thrown
 * @param message one sentence for a person, at most 2,000 characters
 * @param trace the stack trace, at most 8,000 characters; empty for a {@link
 *     dev.batchyard.api.FinalFailure} without a cause, whose message says it all
 */
public record Failure(String kind, String message, String trace) {

  private static final int MESSAGE_MAX = 2_000;
  private static final int TRACE_MAX = 8_000;

  public Failure {
    kind = clean(kind, 200);
    message = clean(message, MESSAGE_MAX);
    trace = clean(trace, TRACE_MAX);
  }

  /** {@return what was thrown, fit to be stored} */
  public static Failure of(Throwable thrown) {
    String message = thrown.getMessage();
    boolean selfExplaining =
        thrown instanceof dev.batchyard.api.FinalFailure && thrown.getCause() == null;
    return new Failure(
        thrown.getClass().getSimpleName(),
        message == null ? thrown.getClass().getName() : message,
        selfExplaining ? "" : trace(thrown));
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
