package dev.batchyard.api;

import java.util.Locale;
import java.util.Optional;

/**
 * What may be a label of a task or a batch: one line that looks in every list as it was written. It
 * has no line breaks, no other control characters and none that turn the direction of writing.
 */
public final class Labels {

  /** The most characters (code points). */
  public static final int LENGTH_MAX = 200;

  private static final String TURNING = "\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069";

  private Labels() {}

  /** {@return what is wrong with a label, with the value and the cure; empty if nothing is} */
  public static Optional<String> problem(String label) {
    int length = label.codePointCount(0, label.length());
    if (length > LENGTH_MAX) {
      return Optional.of("%d characters; at most %d: shorten it".formatted(length, LENGTH_MAX));
    }
    for (int i = 0; i < label.length(); i++) {
      if (!isPlain(label.charAt(i))) {
        return Optional.of(
            "'%s' holds %s (U+%04X) at character %d; write it on one line, without it"
                .formatted(shown(label), name(label.charAt(i)), (int) label.charAt(i), i + 1));
      }
    }
    return Optional.empty();
  }

  private static boolean isPlain(char c) {
    int type = Character.getType(c);
    return type != Character.CONTROL
        && type != Character.LINE_SEPARATOR
        && type != Character.PARAGRAPH_SEPARATOR
        && TURNING.indexOf(c) < 0;
  }

  private static String name(char c) {
    return switch (c) {
      case '\n', '\r', '\u0085', '\u2028', '\u2029' -> "a line break";
      case '\0' -> "a NUL character";
      default -> "a control character";
    };
  }

  private static String shown(String label) {
    StringBuilder shown = new StringBuilder();
    for (int i = 0; i < label.length(); i++) {
      char c = label.charAt(i);
      shown.append(isPlain(c) ? String.valueOf(c) : String.format(Locale.ROOT, "\\u%04x", (int) c));
    }
    return shown.toString();
  }
}
