package dev.batchyard.tasks.data.csv;

import java.util.Arrays;

/**
 * Where in the file physical lines begin, for those lines that are decoded but not yet behind the
 * parser. Lines end at CR, LF or CRLF, inside quotes too, as FastCSV counts them; the first is 1.
 */
final class LineStarts {

  /** The most lines that one record may have, which bounds this memory to 16 MB. */
  static final int RECORD_LINES_MAX = 1024 * 1024;

  /** The decoder is ahead of the parser by no more than one buffer of line ends. */
  private static final int LINES_MAX = RECORD_LINES_MAX + 2 * LineDecoder.BUFFER_BYTES;

  /** A record has more lines than {@link #RECORD_LINES_MAX}. */
  static final class TooManyLines extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private long[] offsets = new long[1024];
  private int head;
  private int size;
  private long firstLine = 1;
  private boolean afterCr;

  LineStarts(long firstOffset) {
    add(firstOffset);
  }

  /** Takes note of a CR that ends just before this offset. */
  void carriageReturn(long end) {
    add(end);
    afterCr = true;
  }

  /** Takes note of an LF that ends just before this offset. */
  void lineFeed(long end) {
    if (afterCr) {
      offsets[(head + size - 1) & (offsets.length - 1)] = end;
      afterCr = false;
    } else {
      add(end);
    }
  }

  /** Takes note that something else came. */
  void other() {
    afterCr = false;
  }

  /** {@return where the line begins} Lines before it are forgotten. */
  long offsetOf(long line) {
    long forget = line - firstLine;
    if (forget < 0 || forget >= size) {
      throw new IllegalStateException(
          "line %d is not among %d..%d".formatted(line, firstLine, firstLine + size - 1));
    }
    forgetBefore(line);
    return offsets[head];
  }

  /** {@return the line that begins last} */
  long last() {
    return firstLine + size - 1;
  }

  /** Lets go of the lines before this one; of one that is not there yet, nothing. */
  void forgetBefore(long line) {
    long forget = line - firstLine;
    if (forget > 0 && forget < size) {
      head = (head + (int) forget) & (offsets.length - 1);
      size -= (int) forget;
      firstLine = line;
    }
  }

  private void add(long offset) {
    if (size == LINES_MAX) {
      throw new TooManyLines();
    }
    if (size == offsets.length) {
      long[] larger = Arrays.copyOfRange(offsets, head, head + 2 * offsets.length);
      System.arraycopy(offsets, 0, larger, offsets.length - head, head);
      Arrays.fill(larger, size, larger.length, 0);
      offsets = larger;
      head = 0;
    }
    offsets[(head + size) & (offsets.length - 1)] = offset;
    size++;
  }
}
