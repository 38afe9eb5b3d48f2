package dev.batchyard.tasks.data.csv;

import com.ibm.icu.text.CharsetDetector;
import com.ibm.icu.text.CharsetMatch;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Names and recognises encodings. Admitted are those in which ASCII is itself and a line end's byte
 * means a line end only, and UTF-16: there, lines can be found without decoding.
 */
public final class Encodings {

  /** GB18030 contains GBK and GB2312; a file in any of them is read with it. */
  public static final Charset GB18030 = Charset.forName("GB18030");

  private static final Charset WINDOWS_1252 = Charset.forName("windows-1252");
  private static final int NEAR_NAMES = 3;

  /** No encoding has a longer name. */
  private static final int NAME_CHARS_MAX = 64;

  /** ICU4J looks at the first 8000 bytes of what it is given. */
  private static final int ICU_BYTES_MAX = 8000;

  /** With fewer characters beyond ASCII than this, frequencies mean nothing. */
  private static final int FEW_CHARACTERS = 24;

  private static final double HANZI_SHARE_MIN = 0.9;
  private static final int ICU_CONFIDENCE_MIN = 10;

  private Encodings() {}

  /** {@return the encoding of this name, or empty if there is none or it is not admitted} */
  public static Optional<Charset> named(String name) {
    try {
      Charset charset = Charset.forName(name.trim());
      String upper = charset.name().toUpperCase(Locale.ROOT);
      if (upper.equals("GBK") || upper.equals("GB2312")) {
        return Optional.of(GB18030);
      }
      boolean stateful = upper.contains("2022") || upper.contains("COMPOUND");
      boolean admitted = LineDecoder.isUtf16(charset) || (!stateful && keepsAscii(charset));
      return admitted ? Optional.of(charset) : Optional.empty();
    } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
      return Optional.empty();
    }
  }

  private static boolean keepsAscii(Charset charset) {
    String ascii = "\n\r\t ,;|\"'09AZaz.-";
    byte[] bytes = ascii.getBytes(StandardCharsets.US_ASCII);
    return new String(bytes, charset).equals(ascii);
  }

  /** {@return the names that look most like this one} */
  public static List<String> near(String name) {
    String wanted = plain(name.substring(0, Math.min(name.length(), NAME_CHARS_MAX)));
    return Charset.availableCharsets().keySet().stream()
        .filter(known -> named(known).isPresent())
        .sorted(Comparator.comparingInt(known -> distance(wanted, plain(known))))
        .limit(NEAR_NAMES)
        .toList();
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
  }

  /** The number of characters to insert, delete or replace (Levenshtein). */
  static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replace, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }

  /** {@return how many bytes of the encoding's byte order mark the file begins with} */
  static int bomLength(byte[] head, Charset charset) {
    byte[] bom = "\uFEFF".getBytes(charset);
    boolean encodable = charset.newEncoder().canEncode('\uFEFF');
    if (!encodable || head.length < bom.length) {
      return 0;
    }
    for (int i = 0; i < bom.length; i++) {
      if (head[i] != bom[i]) {
        return 0;
      }
    }
    return bom.length;
  }

  /** {@return the encoding that a byte order mark names} */
  static Optional<Charset> byMark(byte[] head) {
    for (Charset charset :
        List.of(
            StandardCharsets.UTF_8,
            StandardCharsets.UTF_16LE,
            StandardCharsets.UTF_16BE,
            GB18030)) {
      if (bomLength(head, charset) > 0) {
        return Optional.of(charset);
      }
    }
    return Optional.empty();
  }

  /** {@return the encoding of a sample without a byte order mark, which may end anywhere} */
  static Charset detect(byte[] sample) {
    Optional<Charset> utf16 = utf16(sample);
    if (utf16.isPresent()) {
      return utf16.get();
    }
    if (decodes(sample, StandardCharsets.UTF_8)) {
      return StandardCharsets.UTF_8;
    }
    HighBytes high = HighBytes.in(sample);
    if (high.characters() < FEW_CHARACTERS) {
      return high.hanziShare() >= HANZI_SHARE_MIN && decodes(sample, GB18030)
          ? GB18030
          : firstMatch(high.lines(), sample).orElse(WINDOWS_1252);
    }
    return firstMatch(high.lines(), sample).orElse(GB18030);
  }

  private static Optional<Charset> firstMatch(byte[] lines, byte[] sample) {
    CharsetDetector detector = new CharsetDetector();
    detector.setText(lines);
    for (CharsetMatch match : detector.detectAll()) {
      Optional<Charset> charset = named(match.getName());
      if (match.getConfidence() >= ICU_CONFIDENCE_MIN
          && charset.isPresent()
          && decodes(sample, charset.get())) {
        return charset;
      }
    }
    return Optional.empty();
  }

  /**
   * UTF-16 without a mark: zero bytes on one side only, and line ends among them. A NUL or two in a
   * file of bytes are not enough: there, line ends have no zero beside them.
   */
  private static Optional<Charset> utf16(byte[] sample) {
    int[] zeros = new int[2];
    for (int i = 0; i < sample.length; i++) {
      if (sample[i] == 0) {
        zeros[i & 1]++;
      }
    }
    int few = sample.length / 100;
    if (zeros[1] > few && zeros[0] == 0 && isUtf16(sample, StandardCharsets.UTF_16LE)) {
      return Optional.of(StandardCharsets.UTF_16LE);
    }
    if (zeros[0] > few && zeros[1] == 0 && isUtf16(sample, StandardCharsets.UTF_16BE)) {
      return Optional.of(StandardCharsets.UTF_16BE);
    }
    return Optional.empty();
  }

  private static boolean isUtf16(byte[] sample, Charset charset) {
    int low = charset.equals(StandardCharsets.UTF_16BE) ? 1 : 0;
    int bytes = 0;
    int units = 0;
    for (int i = 0; i + 1 < sample.length; i += 2) {
      bytes += isLineEnd(sample[i]) ? 1 : 0;
      bytes += isLineEnd(sample[i + 1]) ? 1 : 0;
      units += isLineEnd(sample[i + low]) && sample[i + 1 - low] == 0 ? 1 : 0;
    }
    boolean enough = decodes(sample, StandardCharsets.UTF_8) ? 2 * units >= bytes : units > 0;
    return enough && decodes(sample, charset);
  }

  private static boolean isLineEnd(byte b) {
    return b == '\n' || b == '\r';
  }

  /** Whether all bytes can be read, an unfinished character at the end aside. */
  static boolean decodes(byte[] sample, Charset charset) {
    CharsetDecoder decoder =
        charset
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(sample);
    CharBuffer out = CharBuffer.allocate(8192);
    CoderResult result;
    do {
      out.clear();
      result = decoder.decode(in, out, false);
    } while (result.isOverflow());
    return !result.isError();
  }

  /** The bytes above 0x7F of a sample. */
  private static final class HighBytes {
    private final int characters;
    private final double hanziShare;
    private final byte[] lines;

    private HighBytes(int characters, double hanziShare, byte[] lines) {
      this.characters = characters;
      this.hanziShare = hanziShare;
      this.lines = lines;
    }

    /** About how many two-byte characters they could be. */
    int characters() {
      return characters;
    }

    /** Which share of the runs of high bytes is made of GB2312's hanzi and signs. */
    double hanziShare() {
      return hanziShare;
    }

    /** The lines that hold them, as many as ICU looks at. */
    byte[] lines() {
      return lines;
    }

    static HighBytes in(byte[] sample) {
      ByteArrayOutputStream lines = new ByteArrayOutputStream(ICU_BYTES_MAX);
      int characters = 0;
      int runs = 0;
      int hanziRuns = 0;
      int lineStart = 0;
      int lastTaken = -1;
      for (int i = 0; i < sample.length; i++) {
        if (sample[i] == '\n') {
          lineStart = i + 1;
        } else if (sample[i] < 0) {
          if (lineStart != lastTaken && lines.size() < ICU_BYTES_MAX) {
            lastTaken = lineStart;
            int end = lineEnd(sample, i);
            lines.write(sample, lineStart, end - lineStart);
          }
          int from = i;
          while (i + 1 < sample.length && sample[i + 1] < 0) {
            i++;
          }
          runs++;
          characters += (i + 2 - from) / 2;
          hanziRuns += isHanzi(sample, from, i + 1) ? 1 : 0;
        }
      }
      double share = runs == 0 ? 0 : (double) hanziRuns / runs;
      return new HighBytes(characters, share, lines.toByteArray());
    }

    private static int lineEnd(byte[] sample, int from) {
      int end = from;
      while (end < sample.length && sample[end] != '\n') {
        end++;
      }
      return Math.min(end + 1, sample.length);
    }

    private static boolean isHanzi(byte[] sample, int from, int to) {
      if ((to - from) % 2 != 0) {
        return false;
      }
      for (int i = from; i < to; i += 2) {
        int lead = sample[i] & 0xFF;
        int trail = sample[i + 1] & 0xFF;
        boolean sign = lead >= 0xA1 && lead <= 0xA3;
        boolean hanzi = lead >= 0xB0 && lead <= 0xF7;
        if (!(sign || hanzi) || trail < 0xA1 || trail == 0xFF) {
          return false;
        }
      }
      return true;
    }
  }
}
