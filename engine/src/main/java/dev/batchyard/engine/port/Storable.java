package dev.batchyard.engine.port;

import java.util.List;
import java.util.Locale;

/**
 * Whether a database can take a text. PostgreSQL takes no NUL, and UTF-8 no half of a surrogate
 * pair, and its numbers have an end; one such row fails the whole statement that carries it.
 */
public final class Storable {

  private static final int SHOWN_MAX = 40;
  private static final int ESCAPE_DIGITS = 4;

  private Storable() {}

  /**
   * Checks a text.
   *
   * @throws InvalidParameters naming the field, the value and the cure
   */
  public static void requireText(String field, String text) {
    require(field, text, false);
  }

  /**
   * Checks a JSON document, in which a character may also be written as an escape, and its numbers.
   *
   * @throws InvalidParameters as {@link #requireText} does
   */
  public static void requireJson(String field, String json) {
    require(field, json, true);
    StorableNumbers.require(field, json);
  }

  private static void require(String field, String text, boolean escapes) {
    if (isHarmless(text, escapes)) {
      return;
    }
    int high = -1; // where a pair has begun
    int highLength = 0;
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i);
      int length = 1;
      if (escapes && c == '\\') {
        length = 2;
        if (i + 1 < text.length() && text.charAt(i + 1) == 'u') {
          length = 2 + ESCAPE_DIGITS;
          c = escaped(text, i + 2);
        }
      }
      boolean paired = high >= 0 && Character.isLowSurrogate(c) && length == highLength;
      if (!paired && (high >= 0 || Character.isLowSurrogate(c))) {
        throw refused(field, text, high >= 0 ? high : i, "half a surrogate pair");
      }
      if (c == 0) {
        throw refused(field, text, i, "a NUL character (U+0000)");
      }
      high = Character.isHighSurrogate(c) ? i : -1;
      highLength = length;
      i += length;
    }
    if (high >= 0) {
      throw refused(field, text, high, "half a surrogate pair");
    }
  }

  /** {@return whether there is nothing in it to be looked at twice} Most texts are so. */
  private static boolean isHarmless(String text, boolean escapes) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0 || Character.isSurrogate(c) || (escapes && c == '\\')) {
        return false;
      }
    }
    return true;
  }

  /** {@return the unit that an escape stands for; a space if it is none: the parser will say so} */
  private static char escaped(String text, int from) {
    int unit = 0;
    for (int i = from; i < from + ESCAPE_DIGITS; i++) {
      int digit = i < text.length() ? Character.digit(text.charAt(i), 16) : -1;
      if (digit < 0) {
        return ' ';
      }
      unit = unit * 16 + digit;
    }
    return (char) unit;
  }

  private static InvalidParameters refused(String field, String text, int at, String what) {
    return new InvalidParameters(
        List.of(
            new InvalidParameters.Problem(
                field,
                "%s holds %s at character %d, which no database takes; remove it"
                    .formatted(shown(text, at), what, at + 1))));
  }

  /** The part of a text around a place, with what cannot be shown as escapes. */
  private static String shown(String text, int at) {
    int from = Math.max(0, at - SHOWN_MAX / 2);
    int to = Math.min(text.length(), from + SHOWN_MAX);
    StringBuilder shown = new StringBuilder(from > 0 ? "'…" : "'");
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if (Character.isISOControl(c) || Character.isSurrogate(c)) {
        shown.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        shown.append(c);
      }
    }
    return shown.append(to < text.length() ? "…'" : "'").toString();
  }
}
