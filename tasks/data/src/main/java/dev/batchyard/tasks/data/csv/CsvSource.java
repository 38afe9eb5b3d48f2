package dev.batchyard.tasks.data.csv;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.pipeline.Chunk;
import dev.batchyard.api.pipeline.Item;
import dev.batchyard.api.pipeline.Position;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.api.pipeline.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a CSV file. A chunk ends where a record ends, at the asked number of rows or when its
 * rows take {@value #CHUNK_BYTES_MAX} bytes of memory, so that memory stays flat. Records with
 * another number of fields than the layout has go to the rejects. Blank lines are no items. What
 * comes before a record that cannot be read at all is given first, then the failure.
 */
public final class CsvSource implements Source<CsvRow> {
  private static final int CHUNK_BYTES_MAX = 1024 * 1024;
  private static final int ROW_HELD_BYTES_MAX = 64 * 1024;
  private static final int CHUNK_ITEMS_GUESS = 1000;

  private final CsvLayout layout;
  private final LargeRecords.Turn turn;
  private @Nullable RecordReader reader;
  private CsvPosition at;
  private boolean begun;

  /**
   * Makes a source that reads as the layout says.
   *
   * @param turn is taken when a record is large, else {@link LargeRecords.NotNow} is thrown; stays
   *     the caller's to close, after everything that was read here is let go of
   */
  public CsvSource(CsvLayout layout, LargeRecords.Turn turn) {
    this.layout = layout;
    this.turn = turn;
    this.at = layout.start();
  }

  @Override
  public void open(Optional<Position> from) throws IOException {
    if (from.isPresent()) {
      resumeAt(CsvPosition.of(from.get()));
    }
    RecordReader opened = new RecordReader(layout, at, turn);
    reader = opened;
    boolean atStart = at.offset() == layout.start().offset();
    if (atStart && layout.header() && opened.peek().isPresent()) {
      opened.take();
    }
  }

  private void resumeAt(CsvPosition position) {
    layout.file().requireUnchangedSince(position);
    if (!layout.reading().equals(position.reading())) {
      throw new FinalFailure(
          "file: %s was read with %s so far, now it would be read with %s; submit anew, with encoding, delimiter, quote and header declared"
              .formatted(layout.file().path(), position.reading(), layout.reading()));
    }
    begun = true;
    at = position;
  }

  @Override
  public Optional<Chunk<CsvRow>> next(int itemsMax) throws IOException {
    if (reader == null) {
      throw new IllegalStateException("not open");
    }
    List<Item<CsvRow>> items = new ArrayList<>(Math.min(itemsMax, CHUNK_ITEMS_GUESS));
    List<Reject> rejects = new ArrayList<>();
    long number = at.row();
    long bytes = 0;
    int fields = layout.names().size();
    while (items.size() + rejects.size() < itemsMax
        && bytes < CHUNK_BYTES_MAX
        && reader.peek().isPresent()) {
      CsvRow row = reader.take();
      number++;
      bytes += row.bytes();
      if (row.isMalformed()) {
        rejects.add(
            reject(number, row, "text behind a closing quote; double a quote inside quotes"));
      } else if (row.fieldCount() != fields) {
        String reason = "expected %d fields, found %d".formatted(fields, row.fieldCount());
        rejects.add(reject(number, row, reason));
      } else {
        items.add(new Item<>(number, row, raw(row)));
      }
    }
    at = reader.position(number);
    layout.file().requireUntouched();
    if (items.isEmpty() && rejects.isEmpty()) {
      reader.requireNoFailure(number + 1);
      if (begun) {
        return Optional.empty();
      }
    }
    begun = true;
    double fraction = (double) at.offset() / layout.file().size_bytes();
    return Optional.of(new Chunk<>(items, rejects, 0, at.toPosition(), fraction));
  }

  /** A large row is not held for the few characters of it that a reject would keep. */
  private Supplier<String> raw(CsvRow row) {
    if (row.bytes() <= ROW_HELD_BYTES_MAX) {
      return () -> row.raw(layout.dialect());
    }
    String text = row.raw(layout.dialect());
    return () -> text;
  }

  private Reject reject(long number, CsvRow row, String reason) {
    return new Reject(number, "", reason, row.raw(layout.dialect()));
  }

  @Override
  public void close() throws IOException {
    if (reader != null) {
      reader.close();
    }
  }
}
