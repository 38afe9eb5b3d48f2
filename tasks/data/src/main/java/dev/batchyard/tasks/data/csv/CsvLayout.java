package dev.batchyard.tasks.data.csv;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.tasks.pipeline.Shown;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.channels.Channels;
import java.nio.charset.Charset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * How a file is to be read: what was declared, and what was found in its first mebibyte where
 * nothing was. The same file and options give the same layout.
 *
 * @param file the file
 * @param charset its encoding
 * @param bomBytes how many bytes its byte order mark has; 0 without one
 * @param dialect delimiter and quote
 * @param header whether the first record names the columns
 * @param names the columns, in the order of the file
 * @param sample the first records after the header, for inferring types
 * @param sampleIsAll whether the sample is the whole file
 */
public record CsvLayout(
    CsvFile file,
    Charset charset,
    int bomBytes,
    Dialect dialect,
    boolean header,
    List<String> names,
    List<CsvRow> sample,
    boolean sampleIsAll) {

  private static final int SAMPLE_BYTES = 1024 * 1024;
  private static final int SAMPLE_ROWS_MAX = 10_000;
  private static final double SPLITS_WELL = 0.9;

  /** In every encoding that is admitted. */
  private static final int CHAR_BYTES_MAX = 4;

  /** So many columns a table of PostgreSQL has at most. */
  private static final int COLUMNS_MAX = 1600;

  public CsvLayout {
    names = List.copyOf(names);
    sample = List.copyOf(sample);
  }

  /**
   * What was declared.
   *
   * @param encoding of the file
   * @param delimiter between fields
   * @param quote around fields
   * @param header whether the first record names the columns. When absent: yes, unless columns are
   *     declared and the first record is not made of their names
   * @param columns names in the order of the file; empty for those of the header
   */
  public record Options(
      Optional<Charset> encoding,
      Optional<Character> delimiter,
      Optional<Character> quote,
      Optional<Boolean> header,
      List<String> columns) {
    public Options {
      columns = List.copyOf(columns);
    }

    /** {@return nothing declared} */
    public static Options detectAll() {
      return new Options(
          Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), List.of());
    }
  }

  /**
   * Looks into a file.
   *
   * @throws FinalFailure if it cannot be read as CSV
   */
  public static CsvLayout of(CsvFile file, Options options) throws IOException {
    byte[] bytes = file.sample(0, SAMPLE_BYTES);
    Optional<Charset> mark = Encodings.byMark(bytes);
    Charset charset = encoding(file, options, bytes, mark);
    int bom = Encodings.bomLength(bytes, charset);
    boolean complete = bytes.length == file.size_bytes();
    String text = decoded(bytes, bom, charset);
    Dialect dialect = DialectDetector.detect(text, complete, options.delimiter(), options.quote());
    List<CsvRow> rows = DialectDetector.rows(text, complete, dialect, SAMPLE_ROWS_MAX);
    if (rows.isEmpty()) {
      throw nothingFound(file, bytes.length, complete, dialect);
    }
    CsvRow first = rows.getFirst();
    requireDelimiter(file, options, dialect, first, text, complete);
    requireFewColumns(file, dialect, first);
    List<String> fields = first.fields();
    boolean header = options.header().orElseGet(() -> isHeader(fields, options.columns()));
    List<String> names = options.columns().isEmpty() ? fields : options.columns();
    if (header && fields.stream().anyMatch(BadBytes::in)) {
      throw new FinalFailure(
          "encoding: the header of %s cannot be read as %s; give the encoding it was written in, such as GB18030"
              .formatted(file.path(), charset.name()));
    }
    boolean all = complete && rows.size() < SAMPLE_ROWS_MAX;
    List<CsvRow> body = header ? rows.subList(1, rows.size()) : rows;
    return new CsvLayout(file, charset, bom, dialect, header, names, body, all);
  }

  /** The text as it will be read later: what the encoding does not know is marked. */
  private static String decoded(byte[] bytes, int bom, Charset charset) throws IOException {
    ByteArrayInputStream rest = new ByteArrayInputStream(bytes, bom, bytes.length - bom);
    StringWriter text = new StringWriter(bytes.length);
    try (LineDecoder decoder =
        new LineDecoder(Channels.newChannel(rest), charset, bom, bytes.length - bom, () -> {})) {
      char[] buffer = new char[8192];
      for (int read = decoder.read(buffer); read >= 0; read = decoder.read(buffer)) {
        text.write(buffer, 0, read);
      }
    }
    return text.toString();
  }

  /**
   * {@return what stands in the file between two offsets, without the line ends behind it; more
   * than so many characters, if there are more, but not many more}
   */
  String text(long from, long to, int charsMax) throws IOException {
    int bytesMax = (charsMax + 1) * CHAR_BYTES_MAX;
    byte[] bytes = file.sample(from, (int) Math.min(to - from, bytesMax));
    String text = decoded(bytes, 0, charset);
    int end = text.length();
    while (end > 0 && (text.charAt(end - 1) == '\n' || text.charAt(end - 1) == '\r')) {
      end--;
    }
    return BadBytes.shown(text.substring(0, Math.min(end, charsMax + 1)));
  }

  private static Charset encoding(
      CsvFile file, Options options, byte[] head, Optional<Charset> mark) throws IOException {
    if (options.encoding().isPresent() || mark.isPresent()) {
      return options.encoding().or(() -> mark).orElseThrow();
    }
    boolean headIsAscii = file.firstHigh() >= head.length;
    byte[] sample =
        headIsAscii ? file.sample(lineBefore(file, file.firstHigh()), SAMPLE_BYTES) : head;
    return Encodings.detect(sample);
  }

  /** Where the line begins that holds the byte at an offset, if it begins not far before. */
  private static long lineBefore(CsvFile file, long offset) throws IOException {
    int back = (int) Math.min(offset, 4096);
    byte[] before = file.sample(offset - back, back);
    int at = before.length;
    while (at > 0 && before[at - 1] != '\n') {
      at--;
    }
    return offset - back + at;
  }

  private static FinalFailure nothingFound(
      CsvFile file, int sampled, boolean complete, Dialect dialect) {
    if (complete) {
      return new FinalFailure(
          "file: %s holds no record (%d bytes: blank lines, or a quote %s that is never closed); give a file with a header or rows"
              .formatted(file.path(), file.size_bytes(), dialect.quote()));
    }
    return new FinalFailure(
        "file: %s: row 1, byte 0: the first record does not end within %,d bytes; usually a quote %s that is never closed, or a file without line ends. Close the quote, or declare quote"
            .formatted(file.path(), sampled, dialect.quote()));
  }

  private static boolean isHeader(List<String> fields, List<String> columns) {
    return columns.isEmpty()
        || fields.stream()
            .map(CsvLayout::folded)
            .toList()
            .equals(columns.stream().map(CsvLayout::folded).toList());
  }

  private static String folded(String name) {
    return name.strip().toLowerCase(Locale.ROOT);
  }

  /** A first record of one field that another delimiter would split well is a wrong delimiter. */
  private static void requireDelimiter(
      CsvFile file, Options options, Dialect dialect, CsvRow first, String text, boolean complete) {
    if (first.fieldCount() > 1 || options.delimiter().isEmpty() || options.columns().size() == 1) {
      return;
    }
    for (char other : DialectDetector.DELIMITERS) {
      if (other == dialect.delimiter() || other == dialect.quote()) {
        continue;
      }
      DialectDetector.Fit fit =
          DialectDetector.fit(text, complete, new Dialect(other, dialect.quote()));
      if (fit.fields() > 1 && fit.share() >= SPLITS_WELL) {
        throw new FinalFailure(
            "delimiter: with %s the first record of %s is one column %s, with %s it would be %,d columns; give -p %s or leave delimiter out"
                .formatted(
                    dialect.delimiterName(),
                    file.path(),
                    Shown.value(first.field(0)),
                    Dialect.name(other),
                    fit.fields(),
                    Dialect.flag(other)));
      }
    }
  }

  private static void requireFewColumns(CsvFile file, Dialect dialect, CsvRow first) {
    if (first.fieldCount() > COLUMNS_MAX) {
      throw new FinalFailure(
          "columns: the first record of %s has %,d columns with delimiter %s, more than the %,d that a table of PostgreSQL may have; declare another delimiter, or split the file"
              .formatted(file.path(), first.fieldCount(), dialect.delimiterName(), COLUMNS_MAX));
    }
  }

  /** {@return encoding, delimiter, quote and header in words; the same as long as it is read so} */
  public String reading() {
    return "encoding %s%s, delimiter %s, quote %s, %s"
        .formatted(
            charset.name(),
            bomBytes > 0 ? " with byte order mark" : "",
            dialect.delimiterName(),
            dialect.quote(),
            header ? "header" : "no header");
  }

  /** {@return the position before the first record} */
  CsvPosition start() {
    return new CsvPosition(bomBytes, 0, 1, file.size_bytes(), file.sha256(), reading());
  }
}
