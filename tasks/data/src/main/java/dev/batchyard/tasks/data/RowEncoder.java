package dev.batchyard.tasks.data;

import dev.batchyard.api.pipeline.Item;
import dev.batchyard.api.pipeline.RejectedItem;
import dev.batchyard.api.pipeline.Step;
import dev.batchyard.tasks.data.csv.BadBytes;
import dev.batchyard.tasks.data.csv.CsvRow;
import dev.batchyard.tasks.data.jdbc.CopyRow;
import dev.batchyard.tasks.pipeline.Shown;
import java.nio.CharBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Checks the fields of a row against the columns they go to and writes them in the text format of
 * COPY, in one pass. For one thread.
 */
final class RowEncoder implements Step<CsvRow, CopyRow> {

  /**
   * Where a field goes.
   *
   * @param name of the column
   * @param check of its type
   * @param notNull whether it must have a value
   */
  record Column(String name, ColumnCheck check, boolean notNull) {}

  private static final int UTF8_BYTES_MAX = 3;
  private static final int BUFFER_KEPT_MAX = 4 * 1024 * 1024;

  /** What stands behind the backslash for an ASCII character; 0 if it stands for itself. */
  private static final byte[] ESCAPES = new byte[128];

  static {
    ESCAPES['\t'] = 't';
    ESCAPES['\n'] = 'n';
    ESCAPES['\r'] = 'r';
    ESCAPES['\\'] = '\\';
    ESCAPES[0] = '0'; // never written: a NUL is refused
  }

  private final Column[] columns;
  private final char[] nullText;
  private byte[] out = new byte[8192];
  private int length;

  RowEncoder(List<Column> columns, String nullText) {
    this.columns = columns.toArray(Column[]::new);
    this.nullText = nullText.toCharArray();
  }

  @Override
  public Item<CopyRow> apply(Item<CsvRow> item) throws RejectedItem {
    CsvRow row = item.value();
    char[] text = row.text();
    makeRoom(text.length);
    length = 0;
    for (int i = 0; i < columns.length; i++) {
      if (i > 0) {
        out[length++] = '\t';
      }
      encode(columns[i], text, row.from(i), row.to(i));
    }
    out[length++] = '\n';
    return item.withValue(new CopyRow(Arrays.copyOf(out, length)));
  }

  private void makeRoom(int chars) {
    int needed = chars * UTF8_BYTES_MAX + columns.length * 3 + 1;
    if (out.length < needed || out.length > BUFFER_KEPT_MAX) {
      out = new byte[Math.max(needed, 8192)];
    }
  }

  private void encode(Column column, char[] text, int from, int to) throws RejectedItem {
    if (to - from == nullText.length && Arrays.equals(text, from, to, nullText, 0, to - from)) {
      if (column.notNull()) {
        throw new RejectedItem(column.name(), "no value, but the column must have one");
      }
      out[length++] = '\\';
      out[length++] = 'N';
      return;
    }
    String problem = column.check().problem(text, from, to);
    if (!problem.isEmpty()) {
      requireReadable(column, text, from, to);
      throw new RejectedItem(
          column.name(), Shown.value(CharBuffer.wrap(text, from, to - from)) + " " + problem);
    }
    byte[] bytes = out;
    int at = length;
    for (int i = from; i < to; i++) {
      char c = text[i];
      if (c >= 128) {
        length = at;
        encodeWide(column, text, i, from, to);
        return;
      }
      byte escape = ESCAPES[c];
      if (escape == 0) {
        bytes[at++] = (byte) c;
      } else {
        if (c == 0) {
          requireReadable(column, text, from, to);
        }
        bytes[at++] = '\\';
        bytes[at++] = escape;
      }
    }
    length = at;
  }

  /** The rest of a field, from its first character beyond ASCII on. */
  private void encodeWide(Column column, char[] text, int start, int from, int to)
      throws RejectedItem {
    byte[] bytes = out;
    int at = length;
    for (int i = start; i < to; i++) {
      char c = text[i];
      if (c < 128) {
        byte escape = ESCAPES[c];
        if (escape != 0) {
          if (c == 0) {
            requireReadable(column, text, from, to);
          }
          bytes[at++] = '\\';
        }
        bytes[at++] = escape == 0 ? (byte) c : escape;
      } else if (c < 0x800) {
        bytes[at++] = (byte) (0xC0 | (c >> 6));
        bytes[at++] = (byte) (0x80 | (c & 0x3F));
      } else if (!Character.isSurrogate(c)) {
        bytes[at++] = (byte) (0xE0 | (c >> 12));
        bytes[at++] = (byte) (0x80 | ((c >> 6) & 0x3F));
        bytes[at++] = (byte) (0x80 | (c & 0x3F));
      } else {
        if (!Character.isHighSurrogate(c)
            || i + 1 == to
            || !Character.isLowSurrogate(text[i + 1])) {
          requireReadable(column, text, from, to);
        }
        int code = Character.toCodePoint(c, text[++i]);
        bytes[at++] = (byte) (0xF0 | (code >> 18));
        bytes[at++] = (byte) (0x80 | ((code >> 12) & 0x3F));
        bytes[at++] = (byte) (0x80 | ((code >> 6) & 0x3F));
        bytes[at++] = (byte) (0x80 | (code & 0x3F));
      }
    }
    length = at;
  }

  /** Refuses a field that holds a NUL or bytes that could not be read. */
  private static void requireReadable(Column column, char[] text, int from, int to)
      throws RejectedItem {
    for (int i = from; i < to; i++) {
      if (text[i] == 0) {
        throw new RejectedItem(
            column.name(),
            "holds a NUL character (U+0000) at its character %d, which PostgreSQL cannot store"
                .formatted(i - from + 1));
      }
      if (BadBytes.isMark(text, from, i)) {
        StringBuilder bytes = new StringBuilder();
        for (int k = i; k < to && BadBytes.isMark(text, from, k) && k < i + 8; k++) {
          bytes.append(k == i ? "" : " ").append(BadBytes.hex(text[k]));
        }
        throw new RejectedItem(
            column.name(),
            "holds bytes (%s) at its character %d that the encoding of the file does not know"
                .formatted(bytes, i - from + 1));
      }
    }
    requireWellFormed(column, text, from, to);
  }

  private static void requireWellFormed(Column column, char[] text, int from, int to)
      throws RejectedItem {
    for (int i = from; i < to; i++) {
      if (Character.isSurrogate(text[i])) {
        if (i + 1 == to || !Character.isSurrogatePair(text[i], text[i + 1])) {
          throw new RejectedItem(column.name(), "holds half a surrogate pair");
        }
        i++;
      }
    }
  }
}
