package dev.batchyard.web.api;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The lines of a stream of strict UTF-8; no more than one of them is held. */
final class Lines {

  /** The most bytes of a line, without its end. */
  static final int BYTES_MAX = 1024 * 1024;

  private static final int BUFFER_BYTES = 64 * 1024;

  /** What a decoder that forgives puts in the place of bytes that are no UTF-8. */
  private static final char STAND_IN = '\uFFFD';

  private final InputStream in;
  private byte[] buffer = new byte[BUFFER_BYTES];
  private int from;
  private int to;
  private boolean ended;

  Lines(InputStream in) {
    this.in = in;
  }

  /**
   * {@return the next line without its end; null behind the last one}
   *
   * @throws BadLine if it is too long or no UTF-8; the lines behind it are not to be had
   * @throws IOException also when the stream breaks off within a line
   */
  @Nullable String next() throws IOException, BadLine {
    int seen = from;
    while (true) {
      for (int i = seen; i < to; i++) {
        if (buffer[i] == '\n') {
          String line = text(buffer, from, i - from);
          from = i + 1;
          return line;
        }
      }
      seen = to - from;
      if (ended) {
        String last = seen == 0 ? null : text(buffer, from, seen);
        from = to;
        return last;
      }
      more(); // moves what is left to the front
    }
  }

  private void more() throws IOException, BadLine {
    if (from > 0) {
      System.arraycopy(buffer, from, buffer, 0, to - from);
      to -= from;
      from = 0;
    }
    if (to > BYTES_MAX) {
      throw tooLong();
    }
    if (to == buffer.length) {
      buffer = Arrays.copyOf(buffer, Math.min(2 * buffer.length, BYTES_MAX + 1));
    }
    int read = in.read(buffer, to, buffer.length - to);
    ended = read < 0;
    to += Math.max(0, read);
  }

  /**
   * {@return all of a stream as one text}
   *
   * @throws BadLine if it is longer than a line may be, or no UTF-8
   */
  static String all(InputStream in) throws IOException, BadLine {
    byte[] bytes = in.readNBytes(BYTES_MAX + 1);
    return text(bytes, 0, bytes.length);
  }

  private static BadLine tooLong() {
    return new BadLine(
        "is longer than %,d bytes; put the bulk into a file and name the file"
            .formatted(BYTES_MAX));
  }

  private static String text(byte[] bytes, int from, int length) throws BadLine {
    if (length > BYTES_MAX) {
      throw tooLong();
    }
    // much faster than a strict decoder, which looks once more only where there may be a fault
    String text = new String(bytes, from, length, StandardCharsets.UTF_8);
    if (text.indexOf(STAND_IN) >= 0) {
      refuseUnlessUtf8(ByteBuffer.wrap(bytes, from, length), from);
    }
    return text;
  }

  private static void refuseUnlessUtf8(ByteBuffer bytes, int from) throws BadLine {
    CoderResult result =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .decode(bytes, CharBuffer.allocate(bytes.remaining()), true);
    if (result.isError()) {
      throw new BadLine(
          "is no UTF-8: 0x%02X at byte %d of it; write the text as UTF-8"
              .formatted(bytes.get(bytes.position()), bytes.position() - from + 1));
    }
  }
}
