package dev.batchyard.tasks.data.csv;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.pipeline.Reject;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Records of a file from a position on, one ahead, so that the byte at which the next one begins is
 * known: FastCSV tells its physical line, the decoder knows where that line begins.
 */
final class RecordReader implements AutoCloseable {
  private final CsvLayout layout;
  private final LargeRecords.Turn turn;
  private Pass pass;
  private @Nullable CsvRow ahead;

  /** Where {@link #ahead} begins, if that is not in the current pass. */
  private @Nullable CsvPosition malformedAt;

  private @Nullable CsvParseException failure;
  private boolean ended;

  /**
   * Reads from a position on.
   *
   * @param turn is taken when a record is large, else {@link LargeRecords.NotNow} is thrown
   */
  RecordReader(CsvLayout layout, CsvPosition from, LargeRecords.Turn turn) throws IOException {
    this.layout = layout;
    this.turn = turn;
    this.pass = new Pass(layout, from, false, turn);
  }

  /** {@return the next record; empty at the end, and before a record that cannot be read} */
  Optional<CsvRow> peek() throws IOException {
    if (ahead == null && !ended) {
      try {
        readAhead();
      } catch (UncheckedIOException e) {
        IOException cause = Objects.requireNonNull(e.getCause());
        if (cause instanceof EOFException) {
          throw layout.file().cutOff(pass.decoder.end());
        }
        throw CsvFile.unreadable(layout.file().path(), cause);
      } catch (CsvParseException e) {
        if (e.getCause() instanceof Error error) {
          throw error; // FastCSV wraps whatever it meets, an OutOfMemoryError too
        }
        if (e.getCause() instanceof LargeRecords.NotNow notNow) {
          throw notNow;
        }
        failure = e;
        ended = true;
      }
    }
    return Optional.ofNullable(ahead);
  }

  private void readAhead() throws IOException {
    try {
      ahead = pass.records.hasNext() ? pass.records.next() : null;
      ended = ahead == null;
    } catch (CsvParseException e) {
      if (!String.valueOf(e.getMessage()).startsWith("Unexpected character after closing quote")) {
        throw e;
      }
      ahead = skipMalformed();
    }
  }

  /** Lets a lenient reader find the end of the record at hand, and begins anew behind it. */
  private CsvRow skipMalformed() throws IOException {
    CsvPosition here = pass.position(pass.handler.line(), 0);
    pass.close();
    try (Pass lenient = new Pass(layout, here, true, turn)) {
      CsvRow row = lenient.records.next();
      CsvPosition after = lenient.afterCurrent();
      String source = layout.text(here.offset(), after.offset(), Reject.RAW_MAX);
      malformedAt = here;
      pass = new Pass(layout, after, false, turn);
      return row.malformed(source);
    }
  }

  /** {@return the next record, which {@link #peek} has seen} */
  CsvRow take() {
    if (ahead == null) {
      throw new IllegalStateException("nothing ahead");
    }
    CsvRow row = ahead;
    ahead = null;
    malformedAt = null;
    return row;
  }

  /** {@return where the next record begins, after this many rows} */
  CsvPosition position(long row) throws IOException {
    Optional<CsvRow> next = peek();
    if (malformedAt != null) {
      return malformedAt.afterRow(row);
    }
    if (next.isEmpty() && failure == null) {
      return pass.end(row);
    }
    return pass.position(next.map(CsvRow::line).orElse(pass.handler.line()), row);
  }

  /**
   * Throws why the next record cannot be read, if that is so.
   *
   * @param row its number
   */
  void requireNoFailure(long row) {
    if (failure == null) {
      return;
    }
    CsvPosition here = pass.position(pass.handler.line(), row);
    String place =
        "file: %s: row %d, line %d, byte %d"
            .formatted(layout.file().path(), row, here.line(), here.offset());
    if (String.valueOf(failure.getMessage()).startsWith("Unclosed")) {
      throw new FinalFailure(
          "%s: a quote %s is opened and not closed until the end of the file; close it, or declare another quote, then submit anew"
              .formatted(place, layout.dialect().quote()));
    }
    throw new FinalFailure(
        "%s: the record has more than %s, the most that a record may have; usually a quote %s that is never closed, or a file without line ends. Mend the file, or declare quote, then submit anew"
            .formatted(place, exceeded(failure), layout.dialect().quote()),
        failure);
  }

  private static String exceeded(CsvParseException failure) {
    return failure.getCause() instanceof LineStarts.TooManyLines
        ? "%,d lines".formatted(LineStarts.RECORD_LINES_MAX)
        : "%,d characters".formatted(RowHandler.RECORD_CHARS_MAX);
  }

  @Override
  public void close() throws IOException {
    pass.close();
  }

  /** One run of FastCSV over the file from a position on. */
  private static final class Pass implements AutoCloseable {
    final CsvPosition from;
    final LineDecoder decoder;
    final RowHandler handler;
    final CloseableIterator<CsvRow> records;

    Pass(CsvLayout layout, CsvPosition from, boolean lenient, LargeRecords.Turn turn)
        throws IOException {
      this.from = from;
      FileChannel channel =
          FileChannel.open(layout.file().path(), StandardOpenOption.READ).position(from.offset());
      long rest = from.size_bytes() - from.offset();
      this.decoder = new LineDecoder(channel, layout.charset(), from.offset(), rest, turn::take);
      this.handler = new RowHandler(decoder::recordBegins);
      CsvReader<CsvRow> reader =
          lenient
              ? RowHandler.lenient(handler, decoder, layout.dialect())
              : RowHandler.strict(handler, decoder, layout.dialect());
      this.records = reader.iterator();
    }

    CsvPosition position(long line, long row) {
      return from.at(decoder.offsetOf(line), from.line() + line - 1, row);
    }

    CsvPosition end(long row) {
      return from.at(from.size_bytes(), from.line() + decoder.lastLine() - 1, row);
    }

    /** Where the record after the last one begins, even if it cannot be read. */
    CsvPosition afterCurrent() {
      try {
        return records.hasNext() ? position(records.next().line(), 0) : end(0);
      } catch (CsvParseException e) {
        return position(handler.line(), 0);
      }
    }

    @Override
    public void close() throws IOException {
      decoder.close();
    }
  }
}
