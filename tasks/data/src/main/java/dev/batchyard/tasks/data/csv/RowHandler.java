package dev.batchyard.tasks.data.csv;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import java.io.Reader;
import java.util.Arrays;
import java.util.function.LongConsumer;

/** Takes the fields that FastCSV finds into rows. */
final class RowHandler extends AbstractBaseCsvCallbackHandler<CsvRow> {

  /**
   * The most characters that a record may have, delimiters included. {@link LargeRecords} says what
   * an import holds of it.
   */
  static final int RECORD_CHARS_MAX = 4 * 1024 * 1024;

  /** Fields beyond these are counted, not kept: PostgreSQL has at most 1600 columns. */
  static final int FIELDS_KEPT_MAX = 2000;

  private static final int TEXT_KEPT_MAX = 1024 * 1024;

  /** A record has more characters than {@link #RECORD_CHARS_MAX}. */
  static final class RecordTooLong extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private final LongConsumer begun;
  private char[] text = new char[4096];
  private int length;
  private int chars;
  private int[] ends = new int[64];
  private int fields;
  private int quotedFields;

  /** Makes a handler that tells nobody where records begin. */
  RowHandler() {
    this(line -> {});
  }

  /**
   * Makes a handler.
   *
   * @param begun is told the line at which a record begins, blank ones included
   */
  RowHandler(LongConsumer begun) {
    this.begun = begun;
  }

  /** {@return a reader by the grammar, which throws at text behind a closing quote} */
  static CsvReader<CsvRow> strict(RowHandler handler, Reader reader, Dialect dialect) {
    return builder(dialect).build(handler, reader);
  }

  /** {@return a reader that takes text behind a closing quote into the field} */
  @SuppressWarnings("removal") // nothing else finds the end of a record that is malformed so
  static CsvReader<CsvRow> lenient(RowHandler handler, Reader reader, Dialect dialect) {
    return builder(dialect).allowExtraCharsAfterClosingQuote(true).build(handler, reader);
  }

  private static CsvReader.CsvReaderBuilder builder(Dialect dialect) {
    return CsvReader.builder()
        .fieldSeparator(dialect.delimiter())
        .quoteCharacter(dialect.quote())
        .skipEmptyLines(true)
        .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
        .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
        .allowUnclosedQuote(false)
        .maxBufferSize(RECORD_CHARS_MAX);
  }

  /** {@return the physical line at which the record begins that was parsed last} */
  long line() {
    return getStartingLineNumber();
  }

  @Override
  protected void handleBegin(long startingLineNumber) {
    begun.accept(startingLineNumber);
    length = 0;
    chars = 0;
    fields = 0;
    quotedFields = 0;
    if (text.length > TEXT_KEPT_MAX) {
      text = new char[4096];
    }
  }

  @Override
  protected void handleField(int field, char[] buf, int offset, int len, boolean quoted) {
    fields++;
    quotedFields += quoted ? 1 : 0;
    chars += len + 1;
    if (chars > RECORD_CHARS_MAX) {
      throw new RecordTooLong();
    }
    if (field >= FIELDS_KEPT_MAX) {
      return;
    }
    if (length + len > text.length) {
      text = Arrays.copyOf(text, Math.max(length + len, text.length * 2));
    }
    System.arraycopy(buf, offset, text, length, len);
    length += len;
    if (field == ends.length) {
      ends = Arrays.copyOf(ends, ends.length * 2);
    }
    ends[field] = length;
  }

  @Override
  protected CsvRow buildRecord() {
    int kept = Math.min(fields, FIELDS_KEPT_MAX);
    return new CsvRow(
        getStartingLineNumber(),
        Arrays.copyOf(text, length),
        Arrays.copyOf(ends, kept),
        fields,
        quotedFields);
  }
}
