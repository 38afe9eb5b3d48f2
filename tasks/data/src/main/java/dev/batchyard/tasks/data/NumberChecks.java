package dev.batchyard.tasks.data;

import java.math.BigDecimal;
import java.util.Locale;

/** Numbers as PostgreSQL reads them: spaces around and a sign are allowed. */
final class NumberChecks {
  private static final String NOT_WHOLE = "is not a whole number";
  private static final String NOT_A_NUMBER = "is not a number";

  /** So many digits always fit a long. */
  private static final int LONG_DIGITS = 18;

  /** Longer mantissas are not worth the time to multiply them out. */
  private static final int SCIENTIFIC_CHARS_MAX = 1000;

  private NumberChecks() {}

  static ColumnCheck whole(String type, long min, long max) {
    String outOfRange = "is out of the range of " + type;
    return (text, start, end) -> {
      int from = skipSpace(text, start, end);
      int to = dropSpace(text, from, end);
      int at = from;
      boolean negative = at < to && text[at] == '-';
      if (at < to && (negative || text[at] == '+')) {
        at++;
      }
      if (at == to) {
        return NOT_WHOLE;
      }
      while (at < to - 1 && text[at] == '0') {
        at++;
      }
      int digits = to - at;
      long value = 0;
      for (int i = at; i < to; i++) {
        int digit = text[i] - '0';
        if (digit < 0 || digit > 9) {
          return maybeOtherBase(text, at, to) ? ColumnCheck.FINE : NOT_WHOLE;
        }
        value = value * 10 + digit;
      }
      if (digits > LONG_DIGITS) {
        return fitsLong(new String(text, at, digits), negative, min)
            ? ColumnCheck.FINE
            : outOfRange;
      }
      long signed = negative ? -value : value;
      return signed < min || signed > max ? outOfRange : ColumnCheck.FINE;
    };
  }

  private static boolean fitsLong(String digits, boolean negative, long min) {
    if (min != Long.MIN_VALUE || digits.length() > LONG_DIGITS + 1) {
      return false;
    }
    return digits.compareTo(negative ? "9223372036854775808" : "9223372036854775807") <= 0;
  }

  /** Whether this may be 0x1F, 0b11 or 1_000, which newer servers take; the server decides. */
  private static boolean maybeOtherBase(char[] text, int from, int to) {
    boolean marked = "xXoObB".indexOf(text[from]) >= 0 && from > 0 && text[from - 1] == '0';
    for (int i = marked ? from + 1 : from; i < to; i++) {
      if (Character.digit(text[i], 16) < 0 && text[i] != '_') {
        return false;
      }
      marked |= text[i] == '_';
    }
    return marked && Character.digit(text[to - 1], 16) >= 0;
  }

  /** Any number; whether it is in range of its type the server decides. */
  static ColumnCheck numeric() {
    return (text, from, to) ->
        Decimal.isNumber(text, from, to) || isWord(text, from, to)
            ? ColumnCheck.FINE
            : NOT_A_NUMBER;
  }

  /** A numeric that keeps {@code scale} decimals and {@code precision} digits. */
  static ColumnCheck numeric(int precision, int scale) {
    String type = "numeric(" + precision + "," + scale + ")";
    int wholeMax = precision - scale;
    return (text, from, to) -> {
      long shape = Decimal.shape(text, from, to);
      if (shape == Decimal.NONE) {
        return isWord(text, from, to) ? ColumnCheck.FINE : NOT_A_NUMBER;
      }
      long decimals = shape & Decimal.COUNT_MASK;
      long whole = shape >> Decimal.COUNT_BITS;
      if (shape == Decimal.SCIENTIFIC) {
        if (to - from > SCIENTIFIC_CHARS_MAX) {
          return "has more digits than " + type + " keeps";
        }
        try {
          BigDecimal value = new BigDecimal(new String(text, from, to - from).strip());
          BigDecimal plain = value.stripTrailingZeros();
          decimals = Math.max(0L, plain.scale());
          whole = plain.signum() == 0 ? 0 : (long) plain.precision() - plain.scale();
        } catch (NumberFormatException | ArithmeticException e) {
          return "is too large for " + type; // its exponent is beyond an int
        }
      }
      if (decimals > scale) {
        return "has " + decimals + " decimals, more than " + type + " keeps";
      }
      return whole > wholeMax ? "is too large for " + type : ColumnCheck.FINE;
    };
  }

  private static boolean isWord(char[] text, int start, int end) {
    int from = skipSpace(text, start, end);
    int to = dropSpace(text, from, end);
    if (to - from > 9 || to - from < 3) {
      return false;
    }
    String word = new String(text, from, to - from).toLowerCase(Locale.ROOT);
    String bare = word.startsWith("-") || word.startsWith("+") ? word.substring(1) : word;
    return switch (bare) {
      case "infinity", "inf" -> true;
      case "nan" -> bare.length() == word.length();
      default -> false;
    };
  }

  static int skipSpace(char[] text, int from, int to) {
    int at = from;
    while (at < to && isSpace(text[at])) {
      at++;
    }
    return at;
  }

  static int dropSpace(char[] text, int from, int to) {
    int at = to;
    while (at > from && isSpace(text[at - 1])) {
      at--;
    }
    return at;
  }

  private static boolean isSpace(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
  }

  /** The grammar of decimal numbers. */
  private static final class Decimal {

    /** The shape of a text that is no number. */
    static final long NONE = -1;

    /** The shape of a number with an exponent: its digits are not counted. */
    static final long SCIENTIFIC = -2;

    static final int COUNT_BITS = 31;
    static final long COUNT_MASK = (1L << COUNT_BITS) - 1;

    static boolean isNumber(char[] text, int from, int to) {
      return shape(text, from, to) != NONE;
    }

    /** The number of digits before the point, and behind it up to the last that is not zero. */
    static long shape(char[] text, int start, int end) {
      int at = skipSpace(text, start, end);
      int to = dropSpace(text, at, end);
      if (at < to && (text[at] == '-' || text[at] == '+')) {
        at++;
      }
      int digitsFrom = at;
      while (at < to && text[at] == '0') {
        at++;
      }
      int wholeFrom = at;
      at = skipDigits(text, at, to);
      long whole = (long) at - wholeFrom;
      int digits = at - digitsFrom;
      int decimals = 0;
      if (at < to && text[at] == '.') {
        int pointAt = at;
        at = skipDigits(text, at + 1, to);
        digits += at - pointAt - 1;
        decimals = at - pointAt - 1;
        while (decimals > 0 && text[pointAt + decimals] == '0') {
          decimals--;
        }
      }
      if (digits == 0) {
        return NONE;
      }
      if (at == to) {
        return whole << COUNT_BITS | decimals;
      }
      return isExponent(text, at, to) ? SCIENTIFIC : NONE;
    }

    private static boolean isExponent(char[] text, int from, int to) {
      int at = from + 1;
      if (text[from] != 'e' && text[from] != 'E') {
        return false;
      }
      if (at < to && (text[at] == '-' || text[at] == '+')) {
        at++;
      }
      return at < to && skipDigits(text, at, to) == to;
    }

    private static int skipDigits(char[] text, int from, int to) {
      int at = from;
      while (at < to && text[at] >= '0' && text[at] <= '9') {
        at++;
      }
      return at;
    }
  }
}
