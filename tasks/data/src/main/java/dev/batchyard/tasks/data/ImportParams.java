package dev.batchyard.tasks.data;

import dev.batchyard.api.WrongFields;
import dev.batchyard.tasks.data.csv.CsvLayout;
import dev.batchyard.tasks.data.csv.Encodings;
import dev.batchyard.tasks.data.jdbc.TableName;
import dev.batchyard.tasks.pipeline.Shown;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What to import where. What is absent is detected or has the default named here. What is wrong is
 * refused with {@link WrongFields} that name all of it, with value and cure.
 *
 * @param file the absolute path of a CSV file that the node can read
 * @param table {@code name} (in schema public) or {@code schema.name}; taken as it is, case
 *     included; never in the schema batchyard or one of PostgreSQL's own
 * @param create whether to make the table if it is missing; false by default. Columns get the
 *     file's names and the declared or inferred types
 * @param delimiter one character, or {@code tab}; detected among comma, semicolon, tab and bar
 * @param quote one character; detected among " and '
 * @param encoding such as UTF-8, GB18030, windows-1252, UTF-16LE; detected from the file's bytes
 * @param header whether the first record names the columns; true by default, unless {@code columns}
 *     is given and the first record is not made of those names
 * @param columns the columns in the order of the file; those of the header by default. Needed for a
 *     file without a header
 * @param types PostgreSQL types by column, for a table that is to be made; inferred by default
 * @param nullText the text that means null; the empty text by default, quoted or not
 * @param chunkRows rows in one transaction, 1 to 100,000; 1000 by default
 * @param rejectsMax the most rows that may be rejected, 0 or more; 1000 by default. One more, and
 *     the task fails
 */
public record ImportParams(
    String file,
    String table,
    Optional<Boolean> create,
    Optional<String> delimiter,
    Optional<String> quote,
    Optional<String> encoding,
    Optional<Boolean> header,
    Optional<List<String>> columns,
    Optional<Map<String, String>> types,
    Optional<String> nullText,
    Optional<Integer> chunkRows,
    Optional<Long> rejectsMax) {

  /** The most rows that one transaction may hold. */
  public static final int CHUNK_ROWS_MAX = 100_000;

  private static final int CHUNK_ROWS = 1000;
  private static final int COLUMNS_MAX = 1600;
  private static final long REJECTS_MAX = 1000;
  private static final Pattern TYPE_NAME =
      Pattern.compile(
          "[A-Za-z_][A-Za-z0-9_ .]*(\\(\\s*\\d+\\s*(,\\s*\\d+\\s*)?\\))?( with(out)? time zone)?(\\[\\])?");

  public ImportParams {
    columns = columns.map(List::copyOf);
    types = types.map(Map::copyOf);
    List<WrongFields.Wrong> problems =
        new Checks(file, table, delimiter, quote, encoding, header, columns, types)
            .problems(chunkRows.orElse(CHUNK_ROWS), rejectsMax.orElse(REJECTS_MAX));
    if (!problems.isEmpty()) {
      throw new WrongFields(problems);
    }
  }

  /** {@return an import of a file into a table, everything else detected or by default} */
  public static ImportParams of(String file, String table) {
    return new ImportParams(
        file,
        table,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  CsvLayout.Options options() {
    return new CsvLayout.Options(
        encoding.flatMap(Encodings::named),
        delimiter.map(text -> text.equals("tab") ? '\t' : text.charAt(0)),
        quote.map(text -> text.charAt(0)),
        header,
        columns.orElse(List.of()));
  }

  boolean createOrDefault() {
    return create.orElse(false);
  }

  String nullTextOrDefault() {
    return nullText.orElse("");
  }

  int chunkRowsOrDefault() {
    return chunkRows.orElse(CHUNK_ROWS);
  }

  long rejectsMaxOrDefault() {
    return rejectsMax.orElse(REJECTS_MAX);
  }

  /** The checks of a constructor's arguments. */
  private record Checks(
      String file,
      String table,
      Optional<String> delimiter,
      Optional<String> quote,
      Optional<String> encoding,
      Optional<Boolean> header,
      Optional<List<String>> columns,
      Optional<Map<String, String>> types) {

    /** Everything that is wrong with the parameters by themselves. */
    List<WrongFields.Wrong> problems(int chunkRows, long rejectsMax) {
      List<WrongFields.Wrong> problems = new ArrayList<>();
      fileProblem().ifPresent(cure -> problems.add(wrong("file", file, cure)));
      TableName.of(table)
          .problem()
          .ifPresent(cure -> problems.add(wrong("table", table, "cannot be a target: " + cure)));
      delimiter
          .filter(text -> !isSign(text) && !text.equals("tab"))
          .ifPresent(
              text -> problems.add(wrong("delimiter", text, "must be one character, or tab")));
      quote
          .filter(text -> !isSign(text))
          .ifPresent(text -> problems.add(wrong("quote", text, "must be one character")));
      if (quote.isPresent() && quote.equals(delimiter)) {
        problems.add(wrong("quote", quote.get(), "is the delimiter too; give another"));
      }
      encoding
          .filter(name -> Encodings.named(name).isEmpty())
          .ifPresent(name ->
              problems.add(
                  wrong(
                      "encoding",
                      name,
                      "is not known; near are " + String.join(", ", Encodings.near(name)))));
      columnProblems(problems);
      typeProblems(problems);
      if (chunkRows < 1 || chunkRows > CHUNK_ROWS_MAX) {
        problems.add(
            wrong("chunkRows", String.valueOf(chunkRows), "must be 1 to " + CHUNK_ROWS_MAX));
      }
      if (rejectsMax < 0) {
        problems.add(wrong("rejectsMax", String.valueOf(rejectsMax), "must be 0 or more"));
      }
      return problems;
    }

    private Optional<String> fileProblem() {
      try {
        return Path.of(file).isAbsolute()
            ? Optional.empty()
            : Optional.of("must be an absolute path, such as /data/rows.csv");
      } catch (InvalidPathException e) {
        return Optional.of("cannot be a path: " + e.getReason());
      }
    }

    private void columnProblems(List<WrongFields.Wrong> problems) {
      if (columns.isEmpty()) {
        if (header.isPresent() && !header.get()) {
          problems.add(wrong("columns", "", "must name the columns, since header is false"));
        }
        return;
      }
      if (columns.get().isEmpty()) {
        problems.add(wrong("columns", "[]", "must name at least one column, or be left out"));
      }
      if (columns.get().size() > COLUMNS_MAX) {
        problems.add(
            wrong(
                "columns",
                columns.get().size() + " names",
                "are more than the %,d columns that a table may have".formatted(COLUMNS_MAX)));
        return;
      }
      Set<String> seen = new HashSet<>();
      for (int i = 0; i < columns.get().size(); i++) {
        String name = columns.get().get(i);
        String field = "columns[" + i + "]";
        TableName.nameProblem(name)
            .ifPresent(problem -> problems.add(wrong(field, name, "cannot be one: " + problem)));
        if (!seen.add(name)) {
          problems.add(wrong(field, name, "is there twice; give each column its own name"));
        }
      }
    }

    private void typeProblems(List<WrongFields.Wrong> problems) {
      types
          .orElse(Map.of())
          .forEach((name, type) -> {
            if (!TYPE_NAME.matcher(type).matches()) {
              problems.add(
                  wrong("types." + name, type, "must be a type such as bigint or numeric(12,2)"));
            }
          });
    }

    private static WrongFields.Wrong wrong(String field, String value, String cure) {
      return new WrongFields.Wrong(field, Shown.value(value) + " " + cure);
    }

    private static boolean isSign(String text) {
      return text.length() == 1
          && !Character.isLetterOrDigit(text.charAt(0))
          && "\r\n\0".indexOf(text.charAt(0)) < 0;
    }
  }
}
