package dev.batchyard.tasks.data.csv;

import dev.batchyard.api.pipeline.Position;
import dev.batchyard.tasks.pipeline.JsonReader;
import dev.batchyard.tasks.pipeline.JsonText;
import java.math.BigDecimal;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where the import of a file goes on, and by what the file and its reading are known again.
 *
 * @param offset of the next record's first byte
 * @param row the number of the last row that was read, 0 for none
 * @param line the physical line at which the next record begins, from 1
 * @param size_bytes of the file
 * @param sha256 of the file
 * @param reading encoding, delimiter, quote and header, in words; must stay the same
 */
public record CsvPosition(
    long offset, long row, long line, long size_bytes, String sha256, String reading) {

  CsvPosition at(long newOffset, long newLine, long newRow) {
    return new CsvPosition(newOffset, newRow, newLine, size_bytes, sha256, reading);
  }

  CsvPosition afterRow(long newRow) {
    return at(offset, line, newRow);
  }

  /** {@return the same as the pipeline keeps it} */
  Position toPosition() {
    return new Position(
        "{\"offset\":%d,\"row\":%d,\"line\":%d,\"size\":%d,\"sha256\":%s,\"reading\":%s}"
            .formatted(
                offset, row, line, size_bytes, JsonText.quote(sha256), JsonText.quote(reading)));
  }

  /** {@return what the pipeline kept} */
  public static CsvPosition of(Position position) {
    try {
      if (!(JsonReader.read(position.json()) instanceof Map<?, ?> members)) {
        throw unreadable(position);
      }
      return new CsvPosition(
          number(members.get("offset"), position),
          number(members.get("row"), position),
          number(members.get("line"), position),
          number(members.get("size"), position),
          String.valueOf(members.get("sha256")),
          String.valueOf(members.get("reading")));
    } catch (JsonReader.NotJson e) {
      throw new IllegalStateException("position is not JSON: " + position.json(), e);
    }
  }

  private static long number(@Nullable Object value, Position position) {
    if (value instanceof BigDecimal number) {
      return number.longValueExact();
    }
    throw unreadable(position);
  }

  private static IllegalStateException unreadable(Position position) {
    return new IllegalStateException("not the position of a CSV import: " + position.json());
  }
}
