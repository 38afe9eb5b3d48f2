package dev.batchyard.app.architecture;

import java.util.ArrayList;
import java.util.List;

/** Finds the strings and text blocks of a Java file, past comments and characters. */
final class JavaLiterals {

  private static final String BLOCK = "\"\"\"";

  /**
   * A string or text block.
   *
   * @param line that it begins on, from 1
   * @param text between the quotes, as written
   */
  record Literal(int line, String text) {}

  private final String source;
  private final List<Literal> found = new ArrayList<>();
  private int at;

  private JavaLiterals(String source) {
    this.source = source;
  }

  static List<Literal> of(String source) {
    JavaLiterals scan = new JavaLiterals(source);
    scan.run();
    return List.copyOf(scan.found);
  }

  private void run() {
    while (at < source.length()) {
      if (source.startsWith("//", at)) {
        at = past("\n", at);
      } else if (source.startsWith("/*", at)) {
        at = past("*/", at + 2);
      } else if (source.startsWith(BLOCK, at)) {
        quoted(BLOCK, true);
      } else if (source.charAt(at) == '"') {
        quoted("\"", true);
      } else if (source.charAt(at) == '\'') {
        quoted("'", false);
      } else {
        at++;
      }
    }
  }

  private void quoted(String quote, boolean kept) {
    int from = at + quote.length();
    int to = from;
    while (to < source.length() && !source.startsWith(quote, to)) {
      to += source.charAt(to) == '\\' ? 2 : 1;
    }
    if (kept) {
      int line = 1 + (int) source.substring(0, at).chars().filter(c -> c == '\n').count();
      found.add(new Literal(line, source.substring(from, Math.min(to, source.length()))));
    }
    at = to + quote.length();
  }

  private int past(String end, int from) {
    int found = source.indexOf(end, from);
    return found < 0 ? source.length() : found + end.length();
  }
}
