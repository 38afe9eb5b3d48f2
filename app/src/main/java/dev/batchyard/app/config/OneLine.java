package dev.batchyard.app.config;

/** What somebody wrote, made fit for a message of one line. */
final class OneLine {

  private static final int CHARS_MAX = 80;

  private OneLine() {}

  /** {@return the text without line breaks and control characters, cut after 80 characters} */
  static String of(String text) {
    String line = text.replaceAll("[\\p{Cntrl}\\u2028\\u2029\\s]+", " ").strip();
    return line.codePointCount(0, line.length()) > CHARS_MAX
        ? line.substring(0, line.offsetByCodePoints(0, CHARS_MAX)) + "…"
        : line;
  }
}
