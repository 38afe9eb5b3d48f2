package dev.batchyard.app.cli;

import com.ibm.icu.lang.UCharacter;
import com.ibm.icu.lang.UProperty;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Columns of text, aligned by the cells that a terminal gives them: Chinese takes two each. A row
 * is one line whatever its texts hold.
 */
final class Table {

  private final List<List<String>> rows = new ArrayList<>();

  Table(String... head) {
    rows.add(List.of(head));
  }

  void add(String... cells) {
    rows.add(Arrays.stream(cells).map(Table::oneLine).toList());
  }

  String text() {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], width(row.get(i)));
      }
    }
    return rows.stream().map(row -> line(row, widths)).collect(Collectors.joining("\n"));
  }

  private static String line(List<String> row, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String cell = row.get(i);
      line.append(cell).repeat(' ', widths[i] - width(cell) + 2);
    }
    return line.toString().stripTrailing();
  }

  private static String oneLine(String text) {
    return Console.plain(text.stripTrailing().replaceAll("\\R", "⏎"));
  }

  /** {@return a text that takes at most so many cells; one that was longer ends with …} */
  static String cut(String text, int cells) {
    String line = oneLine(text);
    if (width(line) <= cells) {
      return line;
    }
    StringBuilder kept = new StringBuilder();
    int left = cells - 1;
    for (int i = 0; i < line.length(); i = line.offsetByCodePoints(i, 1)) {
      int codePoint = line.codePointAt(i);
      left -= width(codePoint);
      if (left < 0) {
        break;
      }
      kept.appendCodePoint(codePoint);
    }
    return kept.append('…').toString();
  }

  /** {@return the cells of a terminal that a text takes} */
  static int width(String text) {
    return text.codePoints().map(Table::width).sum();
  }

  private static int width(int codePoint) {
    int type = UCharacter.getType(codePoint);
    if (type == Character.NON_SPACING_MARK
        || type == Character.ENCLOSING_MARK
        || type == Character.FORMAT) {
      return 0;
    }
    int breadth = UCharacter.getIntPropertyValue(codePoint, UProperty.EAST_ASIAN_WIDTH);
    return breadth == UCharacter.EastAsianWidth.WIDE
            || breadth == UCharacter.EastAsianWidth.FULLWIDTH
        ? 2
        : 1;
  }
}
