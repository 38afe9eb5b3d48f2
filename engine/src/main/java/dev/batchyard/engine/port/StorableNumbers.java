package dev.batchyard.engine.port;

import java.util.List;

/**
 * Whether PostgreSQL can keep the numbers of a JSON document. Its {@code numeric} has at most
 * 131,072 digits before the point and 16,383 behind it; a number beyond fails the whole statement.
 */
final class StorableNumbers {

  /** The place of the highest digit that is not 0: that of units is 0, of tens 1. */
  private static final int PLACE_MAX = 131_071;

  private static final int SCALE_MAX = 16_383;

  /** The reader of PostgreSQL takes no exponent from here on, not even of a zero. */
  private static final int EXPONENT_END = Integer.MAX_VALUE / 2;

  private static final int SHOWN_MAX = 40;

  private StorableNumbers() {}

  /**
   * Checks a JSON document.
   *
   * @throws InvalidParameters naming the field, the number and the cure
   */
  static void require(String field, String json) {
    if (json.length() <= SCALE_MAX && json.indexOf('e') < 0 && json.indexOf('E') < 0) {
      return; // no room for so many digits
    }
    boolean text = false;
    int i = 0;
    while (i < json.length()) {
      char c = json.charAt(i);
      if (c == '"') {
        text = !text;
      } else if (text && c == '\\') {
        i++; // whatever is escaped does not end the text
      } else if (!text && isDigit(c)) {
        int end = end(json, i);
        if (!fits(json, i, end)) {
          throw refused(field, json.substring(i, end), i);
        }
        i = end - 1;
      }
      i++;
    }
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static int end(String json, int from) {
    int i = from;
    while (i < json.length() && (isDigit(json.charAt(i)) || ".eE+-".indexOf(json.charAt(i)) >= 0)) {
      i++;
    }
    return i;
  }

  private static boolean fits(String json, int from, int end) {
    int before = 0; // digits before the point
    int behind = 0;
    int first = -1; // which digit is the first that is not 0, from 0 on
    boolean point = false;
    int i = from;
    while (i < end && (isDigit(json.charAt(i)) || json.charAt(i) == '.')) {
      if (json.charAt(i) == '.') {
        point = true;
      } else {
        if (first < 0 && json.charAt(i) != '0') {
          first = before + behind;
        }
        if (point) {
          behind++;
        } else {
          before++;
        }
      }
      i++;
    }
    long exponent = i < end ? exponent(json, i + 1, end) : 0;
    boolean high = first >= 0 && before - 1 - first + exponent > PLACE_MAX;
    return !high && behind - exponent <= SCALE_MAX && exponent < EXPONENT_END;
  }

  /** {@return the exponent; one that is beyond all bounds stays so} */
  private static long exponent(String json, int from, int end) {
    boolean negative = json.charAt(from) == '-';
    long value = 0;
    for (int i = from; i < end; i++) {
      if (isDigit(json.charAt(i))) {
        value = Math.min(value * 10 + json.charAt(i) - '0', EXPONENT_END);
      }
    }
    return negative ? -value : value;
  }

  private static InvalidParameters refused(String field, String number, int at) {
    String shown = number.length() <= SHOWN_MAX ? number : number.substring(0, SHOWN_MAX) + "…";
    return new InvalidParameters(
        List.of(
            new InvalidParameters.Problem(
                field,
                "the number %s at character %d has more digits than PostgreSQL keeps (%,d before the point, %,d behind it); send it as a text"
                    .formatted(shown, at + 1, PLACE_MAX + 1, SCALE_MAX))));
  }
}
