package dev.batchyard.tasks.data.csv;

import dev.batchyard.api.pipeline.Reject;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The fields of one record, in one array of characters: a row costs two small allocations however
 * many fields it has. Nobody writes into it once it is made.
 */
public final class CsvRow {
  /** Two arrays, the row, the item around it: what even an empty row takes. */
  private static final int OBJECT_BYTES = 128;

  private final long line;
  private final char[] text;
  private final int[] ends;
  private final int fieldCount;
  private final int quotedFields;

  /** The text in the file, of a record that the grammar does not allow. */
  private final @Nullable String source;

  CsvRow(long line, char[] text, int[] ends, int fieldCount, int quotedFields) {
    this(line, text, ends, fieldCount, quotedFields, null);
  }

  private CsvRow(
      long line,
      char[] text,
      int[] ends,
      int fieldCount,
      int quotedFields,
      @Nullable String source) {
    this.line = line;
    this.text = text;
    this.ends = ends;
    this.fieldCount = fieldCount;
    this.quotedFields = quotedFields;
    this.source = source;
  }

  /** {@return the physical line it begins at, counted from where the reader was opened} */
  long line() {
    return line;
  }

  /**
   * {@return the same, marked as one that the grammar does not allow}
   *
   * @param inFile its text in the file, which the fields no longer tell
   */
  CsvRow malformed(String inFile) {
    return new CsvRow(line, text, ends, fieldCount, quotedFields, inFile);
  }

  /** {@return whether there is text behind a closing quote} */
  boolean isMalformed() {
    return source != null;
  }

  /** {@return about how much memory it takes} */
  int bytes() {
    return OBJECT_BYTES + text.length * Character.BYTES + ends.length * Integer.BYTES;
  }

  /** {@return how many of its fields were quoted} */
  int quotedFields() {
    return quotedFields;
  }

  /** {@return how many fields the record has} */
  public int fieldCount() {
    return fieldCount;
  }

  /** {@return the characters of all fields; only to be read} */
  public char[] text() {
    return text;
  }

  /** {@return where in {@link #text()} the field begins} */
  public int from(int field) {
    return field == 0 ? 0 : ends[field - 1];
  }

  /** {@return where in {@link #text()} the field ends} */
  public int to(int field) {
    return ends[field];
  }

  /** {@return the text of a field} */
  public String field(int field) {
    return new String(text, from(field), to(field) - from(field));
  }

  /** {@return the texts of all kept fields} */
  public List<String> fields() {
    List<String> fields = new ArrayList<>(ends.length);
    for (int i = 0; i < ends.length; i++) {
      fields.add(field(i));
    }
    return fields;
  }

  /**
   * {@return the record as CSV, of a malformed one the text in the file; cut near {@link
   * Reject#RAW_MAX}; bytes that could not be read show as \xE9}
   */
  public String raw(Dialect dialect) {
    if (source != null) {
      return source;
    }
    StringBuilder out = new StringBuilder(Math.min(text.length + ends.length * 2, Reject.RAW_MAX));
    for (int i = 0; i < ends.length && out.length() <= Reject.RAW_MAX; i++) {
      if (i > 0) {
        out.append(dialect.delimiter());
      }
      boolean quoted = dialect.needsQuotes(text, from(i), to(i));
      if (quoted) {
        out.append(dialect.quote());
      }
      for (int at = from(i); at < to(i) && out.length() <= Reject.RAW_MAX; at++) {
        char c = text[at];
        if (BadBytes.isMark(text, from(i), at)) {
          out.append("\\x").append(BadBytes.hex(c), 2, 4);
        } else {
          out.append(c == dialect.quote() ? String.valueOf(c) + c : String.valueOf(c));
        }
      }
      if (quoted) {
        out.append(dialect.quote());
      }
    }
    return out.toString();
  }
}
