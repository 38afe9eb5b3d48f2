package dev.batchyard.tasks.data.csv;

/**
 * How a CSV file separates and quotes.
 *
 * @param delimiter between fields
 * @param quote around fields, doubled inside them
 */
public record Dialect(char delimiter, char quote) {
  public Dialect {
    if (delimiter == quote) {
      throw new IllegalArgumentException("delimiter and quote are both '" + quote + "'");
    }
  }

  boolean needsQuotes(char[] text, int from, int to) {
    for (int i = from; i < to; i++) {
      char c = text[i];
      if (c == delimiter || c == quote || c == '\n' || c == '\r') {
        return true;
      }
    }
    return false;
  }

  /** {@return the delimiter as people read it} */
  public String delimiterName() {
    return name(delimiter);
  }

  static String name(char delimiter) {
    return delimiter == '\t' ? "tab" : "'" + delimiter + "'";
  }

  /** {@return what -p takes for a delimiter, so that a shell leaves it whole} */
  static String flag(char delimiter) {
    return delimiter == '\t' ? "delimiter=tab" : "'delimiter=" + delimiter + "'";
  }
}
