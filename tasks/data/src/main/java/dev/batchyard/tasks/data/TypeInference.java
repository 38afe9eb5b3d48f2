package dev.batchyard.tasks.data;

import dev.batchyard.tasks.data.csv.CsvRow;
import java.util.List;
import java.util.Locale;

/**
 * Guesses the types of a new table's columns from the first rows: the narrowest of bigint, numeric,
 * double precision, boolean, date, timestamp with or without time zone that takes every value seen,
 * else text. Digits behind a leading zero (postal codes, telephone numbers) are text. Truth is
 * {@code true} and {@code false}, or {@code t} and {@code f} if both are seen.
 */
final class TypeInference {
  private static final ColumnCheck BIGINT = ColumnChecks.of("bigint");
  private static final ColumnCheck NUMERIC = ColumnChecks.of("numeric");
  private static final ColumnCheck DATE = ColumnChecks.of("date");
  private static final ColumnCheck TIMESTAMP = ColumnChecks.of("timestamp without time zone");

  private TypeInference() {}

  /** {@return the type of one column} */
  static String of(List<CsvRow> rows, int column, String nullText) {
    boolean whole = true;
    boolean numeric = true;
    boolean scientific = false;
    boolean words = true;
    boolean letters = true;
    boolean bothLetters = false;
    String first = "";
    boolean date = true;
    boolean timestamp = true;
    boolean zone = true;
    boolean seen = false;
    for (CsvRow row : rows) {
      if (column >= row.fieldCount() || row.field(column).equals(nullText)) {
        continue;
      }
      String value = row.field(column).strip();
      char[] text = value.toCharArray();
      seen = true;
      boolean plain = !hasLeadingZero(value) && value.matches("[-+]?[0-9.]+([eE][-+]?[0-9]+)?");
      whole &= plain && BIGINT.takes(value);
      numeric &= plain && NUMERIC.takes(value);
      scientific |= value.indexOf('e') >= 0 || value.indexOf('E') >= 0;
      String lower = value.toLowerCase(Locale.ROOT);
      first = first.isEmpty() ? lower : first;
      words &= lower.equals("true") || lower.equals("false");
      letters &= lower.equals("t") || lower.equals("f");
      bothLetters |= letters && !lower.equals(first);
      date &= DATE.takes(value);
      timestamp &= TIMESTAMP.takes(value);
      zone &= timestamp && TimeChecks.hasZone(text, 0, text.length);
    }
    if (!seen) {
      return "text";
    }
    if (whole) {
      return "bigint";
    }
    if (numeric) {
      return scientific ? "double precision" : "numeric";
    }
    // a column of nothing but F is rather female than false
    if (words || (bothLetters && letters)) {
      return "boolean";
    }
    if (date) {
      return "date";
    }
    if (timestamp) {
      return zone ? "timestamp with time zone" : "timestamp";
    }
    return "text";
  }

  private static boolean hasLeadingZero(String value) {
    int at = value.startsWith("-") || value.startsWith("+") ? 1 : 0;
    return value.length() > at + 1
        && value.charAt(at) == '0'
        && Character.isDigit(value.charAt(at + 1));
  }
}
