package dev.batchyard.tasks.pipeline;

/** Writes strings into JSON. */
public final class JsonText {
  private static final char NUL_SIGN = '\u2400';
  private static final char REPLACEMENT = '\uFFFD';

  private JsonText() {}

  /**
   * {@return the text as a JSON string, quotes included} What PostgreSQL's jsonb cannot hold is
   * shown by a sign: U+2400 for a NUL, U+FFFD for half a surrogate pair.
   */
  public static String quote(String text) {
    StringBuilder out = new StringBuilder(text.length() + 16);
    append(out, text);
    return out.toString();
  }

  /** Appends the text as {@link #quote} gives it. */
  public static void append(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case 0 -> out.append(NUL_SIGN);
        default -> {
          if (c < ' ') {
            out.append("\\u00").append(c < 16 ? "0" : "").append(Integer.toHexString(c));
          } else if (!Character.isSurrogate(c)) {
            out.append(c);
          } else if (Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1))) {
            out.append(c).append(text.charAt(++i));
          } else {
            out.append(REPLACEMENT);
          }
        }
      }
    }
    out.append('"');
  }
}
