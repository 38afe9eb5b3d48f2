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

  boolean needsQuotes(String field) {
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
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
}
