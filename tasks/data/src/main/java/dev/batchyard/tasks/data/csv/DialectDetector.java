package dev.batchyard.tasks.data.csv;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds delimiter and quote: of the candidates, the pair under which most records have the same
 * number of fields, more than one; among equals, the one that gives more fields, then the earlier.
 * FastCSV does the splitting.
 */
final class DialectDetector {
  static final List<Character> DELIMITERS = List.of(',', ';', '\t', '|');
  private static final List<Character> QUOTES = List.of('"', '\'');
  private static final int RECORDS_MAX = 500;
  private static final int CHARS_MAX = 256 * 1024;
  private static final double SHARE_STEP = 20;

  private DialectDetector() {}

  /**
   * How a dialect splits a sample.
   *
   * @param fields how many fields most records have
   * @param share of the records that have so many
   * @param quoted how many fields are quoted under it
   */
  record Fit(Dialect dialect, int fields, double share, int quoted) {

    private boolean betterThan(Fit other) {
      if (fields > 1 != other.fields > 1) {
        return fields > 1;
      }
      long coarse = Math.round(share * SHARE_STEP);
      long otherCoarse = Math.round(other.share * SHARE_STEP);
      return coarse != otherCoarse ? coarse > otherCoarse : fields > other.fields;
    }
  }

  /** {@return the dialect of a text} What is given is taken as it is. */
  static Dialect detect(
      String text, boolean complete, Optional<Character> delimiter, Optional<Character> quote) {
    List<Character> delimiters = delimiter.map(List::of).orElse(DELIMITERS);
    char quoteChar = quote.orElseGet(() -> quote(text, complete, delimiters));
    return best(text, complete, delimiters, quoteChar).dialect();
  }

  private static char quote(String text, boolean complete, List<Character> delimiters) {
    List<Character> quotes = QUOTES.stream().filter(quote -> !delimiters.contains(quote)).toList();
    if (quotes.size() == 1) {
      return quotes.getFirst();
    }
    Fit plain = best(text, complete, delimiters, QUOTES.get(0));
    if (plain.quoted() > 0) {
      return QUOTES.get(0);
    }
    Fit single = best(text, complete, delimiters, QUOTES.get(1));
    boolean asGood = !plain.betterThan(single) && single.share() >= plain.share();
    return single.quoted() > 1 && asGood ? QUOTES.get(1) : QUOTES.get(0);
  }

  /** The quote is none of the delimiters, or the list has others too. */
  private static Fit best(String text, boolean complete, List<Character> delimiters, char quote) {
    List<Character> others = delimiters.stream().filter(delimiter -> delimiter != quote).toList();
    Fit best = fit(text, complete, new Dialect(others.getFirst(), quote));
    for (char delimiter : others.subList(1, others.size())) {
      Fit fit = fit(text, complete, new Dialect(delimiter, quote));
      if (fit.betterThan(best)) {
        best = fit;
      }
    }
    return best;
  }

  /** {@return how the dialect splits the text} */
  static Fit fit(String text, boolean complete, Dialect dialect) {
    boolean cut = text.length() > CHARS_MAX;
    List<CsvRow> rows =
        rows(cut ? text.substring(0, CHARS_MAX) : text, complete && !cut, dialect, RECORDS_MAX);
    Map<Integer, Integer> counts = new HashMap<>();
    int fields = 1;
    int quoted = 0;
    for (CsvRow row : rows) {
      int count = counts.merge(row.fieldCount(), 1, Integer::sum);
      if (count > counts.getOrDefault(fields, 0)
          || (count == counts.getOrDefault(fields, 0) && row.fieldCount() > fields)) {
        fields = row.fieldCount();
      }
      quoted += row.quotedFields();
    }
    double share = rows.isEmpty() ? 0 : counts.getOrDefault(fields, 0) / (double) rows.size();
    return new Fit(dialect, fields, share, quoted);
  }

  private static CsvReader<CsvRow> reader(String text, Dialect dialect) {
    return RowHandler.lenient(new RowHandler(), new StringReader(text), dialect);
  }

  /**
   * {@return the records of a text; where it is not complete, the last one may be cut and is left
   * out}
   */
  static List<CsvRow> rows(String text, boolean complete, Dialect dialect, int rowsMax) {
    List<CsvRow> rows = new ArrayList<>();
    boolean toTheEnd = false;
    try (CsvReader<CsvRow> reader = reader(text, dialect)) {
      var records = reader.iterator();
      while (rows.size() < rowsMax && records.hasNext()) {
        rows.add(records.next());
      }
      toTheEnd = !records.hasNext();
    } catch (CsvParseException e) {
      return rows;
    } catch (IOException e) {
      throw new IllegalStateException("reading a string failed", e);
    }
    if (toTheEnd && !complete && !rows.isEmpty()) {
      rows.removeLast();
    }
    return rows;
  }
}
