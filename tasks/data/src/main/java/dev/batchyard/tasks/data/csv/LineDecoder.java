package dev.batchyard.tasks.data.csv;

import java.io.EOFException;
import java.io.IOException;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Decodes bytes and takes note of the byte offset at which each physical line begins. Bytes that
 * the encoding does not know become {@link BadBytes} marks; a line end is never part of them.
 *
 * <p>Line ends are found in the bytes: in every encoding that {@link Encodings} admits, 0x0A and
 * 0x0D are line ends and nothing else (in UTF-16: as two-byte units).
 */
final class LineDecoder extends Reader {
  static final int BUFFER_BYTES = 64 * 1024;

  private final ReadableByteChannel channel;
  private final CharsetDecoder decoder;
  private final int unit;
  private final int lowByte;
  private final LineStarts lines;
  private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER_BYTES).flip();
  private final Runnable large;
  private int recordChars;
  private long remaining;
  private long bufferedTo;
  private long scannedTo;
  private boolean ended;

  /**
   * Decodes a channel that stands at a file offset where a line begins.
   *
   * @param length how many bytes there are; fewer are an {@link EOFException}
   * @param large is run, more than once, while a record is read that has more characters than
   *     {@link LargeRecords#LARGE_CHARS}, give or take one buffer
   */
  LineDecoder(
      ReadableByteChannel channel, Charset charset, long offset, long length, Runnable large) {
    this.channel = channel;
    this.large = large;
    this.decoder =
        charset
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    this.unit = isUtf16(charset) ? 2 : 1;
    this.lowByte = charset.equals(StandardCharsets.UTF_16BE) ? 1 : 0;
    this.lines = new LineStarts(offset);
    this.remaining = length;
    this.bufferedTo = offset;
    this.scannedTo = offset;
  }

  static boolean isUtf16(Charset charset) {
    return charset.equals(StandardCharsets.UTF_16LE) || charset.equals(StandardCharsets.UTF_16BE);
  }

  /** {@return where line {@code line} of this reader begins, in the file; the first is 1} */
  long offsetOf(long line) {
    return lines.offsetOf(line);
  }

  /** {@return the line of this reader at which what was read so far ends} */
  long lastLine() {
    return lines.last();
  }

  /** Takes note that a record begins; of the lines before it, nobody will ask for any. */
  void recordBegins(long line) {
    recordChars = 0;
    lines.forgetBefore(line);
  }

  /** {@return the offset behind the last byte that was read} */
  long end() {
    return bufferedTo;
  }

  @Override
  public int read(char[] chars, int offset, int length) throws IOException {
    CharBuffer out = CharBuffer.wrap(chars, offset, length);
    while (true) {
      CoderResult result = decoder.decode(bytes, out, ended);
      int produced = out.position() - offset;
      if (result.isError()) {
        int bad = badBytes(result.length());
        if (out.remaining() < bad) {
          return produced;
        }
        for (int i = 0; i < bad; i++) {
          out.put(BadBytes.mark(bytes.get()));
        }
      } else if (produced > 0) {
        recordChars += produced;
        if (recordChars > LargeRecords.LARGE_CHARS) {
          recordChars = LargeRecords.LARGE_CHARS; // never overflows
          large.run();
        }
        return produced;
      } else if (ended) {
        return -1;
      } else {
        fill();
      }
    }
  }

  /** How many of the bytes that could not be read come before a line end. */
  private int badBytes(int length) {
    if (unit == 2) {
      return length;
    }
    int bad = 1;
    while (bad < length && !isLineEnd(bytes.get(bytes.position() + bad))) {
      bad++;
    }
    return bad;
  }

  private static boolean isLineEnd(byte b) {
    return b == '\n' || b == '\r';
  }

  private void fill() throws IOException {
    bytes.compact();
    if (bytes.remaining() > remaining) {
      bytes.limit(bytes.position() + (int) remaining);
    }
    int count = remaining == 0 ? -1 : channel.read(bytes);
    bytes.flip();
    if (count < 0) {
      if (remaining > 0) {
        throw new EOFException("%d bytes are missing".formatted(remaining));
      }
      ended = true;
      return;
    }
    remaining -= count;
    bufferedTo += count;
    if (unit == 1) {
      scanBytes();
    } else {
      scanUnits();
    }
  }

  private void scanBytes() {
    byte[] array = bytes.array();
    int end = bytes.limit();
    int from = end - (int) (bufferedTo - scannedTo);
    long base = bufferedTo - end;
    for (int i = from; i < end; i++) {
      byte b = array[i];
      if (b > '\r' || b < 0) {
        lines.other();
      } else if (b == '\n') {
        lines.lineFeed(base + i + 1);
      } else if (b == '\r') {
        lines.carriageReturn(base + i + 1);
      } else {
        lines.other();
      }
    }
    scannedTo = bufferedTo;
  }

  private void scanUnits() {
    byte[] array = bytes.array();
    int end = bytes.limit();
    int from = end - (int) (bufferedTo - scannedTo);
    long base = bufferedTo - end;
    int i = from;
    for (; i + 1 < end; i += 2) {
      byte low = array[i + lowByte];
      boolean highIsZero = array[i + 1 - lowByte] == 0;
      if (highIsZero && low == '\n') {
        lines.lineFeed(base + i + 2);
      } else if (highIsZero && low == '\r') {
        lines.carriageReturn(base + i + 2);
      } else {
        lines.other();
      }
    }
    scannedTo = base + i;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
