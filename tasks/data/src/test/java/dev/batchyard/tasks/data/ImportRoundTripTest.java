package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Outcome;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.sessions.JqwikSession;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A property: rows of any text, written as RFC 4180 says, come out of the table exactly as they
 * were, whatever the chunks are and wherever attempts are stopped. jqwik makes the texts; the tries
 * run here, since the database belongs to a JUnit test. A failure names its seed.
 */
@PostgresTest
class ImportRoundTripTest {
  private static final int TRIES = 20;
  private static final int COLUMNS = 3;
  private static final String NULL_TEXT = "\\N";

  private final TestDatabase database;
  @TempDir Path folder;

  ImportRoundTripTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
  }

  /**
   * Any code point but NUL and halves of pairs; those that CSV and COPY care about are frequent.
   */
  private static Arbitrary<String> texts() {
    Arbitrary<String> signs =
        Arbitraries.of(
                ",", ";", "\"", "\"\"", "'", "\n", "\r", "\r\n", "\t", "\\", "\\.", "\\N", " ")
            .list()
            .ofMaxSize(6)
            .map(parts -> String.join("", parts));
    Arbitrary<String> any =
        Arbitraries.integers()
            .between(1, Character.MAX_CODE_POINT)
            .filter(code -> code < Character.MIN_SURROGATE || code > Character.MAX_SURROGATE)
            .map(Character::toString)
            .list()
            .ofMaxSize(12)
            .map(parts -> String.join("", parts));
    Arbitrary<String> hanzi = Arbitraries.strings().withCharRange('一', '龥').ofMaxLength(8);
    Arbitrary<String> mixed =
        Arbitraries.oneOf(signs, any, hanzi)
            .list()
            .ofMaxSize(3)
            .map(parts -> String.join("", parts));
    return Arbitraries.oneOf(signs, any, hanzi, mixed, Arbitraries.just(""))
        .filter(text -> !text.equals(NULL_TEXT));
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-8", "GB18030"})
  void rows_of_any_text_come_out_of_the_table_as_they_were(String encoding) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<List<List<String>>> tries = new ArrayList<>();
    JqwikSession.run(() -> {
      var generator =
          texts().list().ofSize(COLUMNS).list().ofMinSize(1).ofMaxSize(120).generator(1000, true);
      for (int i = 0; i < TRIES; i++) {
        tries.add(generator.next(random).value());
      }
    });
    for (List<List<String>> rows : tries) {
      check(
          rows, encoding, random, "encoding %s, seed %d, rows %s".formatted(encoding, seed, rows));
    }
  }

  private void check(List<List<String>> rows, String encoding, Random random, String told)
      throws Exception {
    database.execute(
        "drop table if exists texts; create table texts (place serial, 甲 text, b text, \"c,\"\"\" text)");
    StringBuilder csv = new StringBuilder("甲,b,\"c,\"\"\"\r\n");
    for (List<String> row : rows) {
      csv.append(String.join(",", row.stream().map(text -> written(text, random)).toList()));
      csv.append(random.nextInt(4) == 0 ? "\n" : "\r\n");
    }
    Path file = folder.resolve("texts.csv");
    Files.write(
        file,
        csv.toString().getBytes(encoding.equals("UTF-8") ? UTF_8 : Charset.forName(encoding)));
    ImportRun run =
        new ImportRun(
            database,
            ImportParamsBuilder.of(file, "texts")
                .encoding(encoding)
                .delimiter(",")
                .quote("\"")
                .nullText(NULL_TEXT)
                .chunkRows(1 + random.nextInt(40))
                .build());

    while (run.attemptOf(1 + random.nextInt(8)) instanceof Outcome.Stopped) {
      run.requireLedgerTells("texts");
    }

    run.requireLedgerTells("texts");
    assertThat(run.rejects()).as(told).isEmpty();
    assertThat(table()).as(told).isEqualTo(rows);
  }

  /** As RFC 4180 writes it: quoted where it must be, and sometimes where it need not be. */
  private static String written(String text, Random random) {
    boolean must = text.chars().anyMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    return must || random.nextInt(3) == 0 ? '"' + text.replace("\"", "\"\"") + '"' : text;
  }

  private List<List<String>> table() throws Exception {
    List<List<String>> rows = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery("select 甲, b, \"c,\"\"\" from texts order by place")) {
      while (row.next()) {
        rows.add(List.of(row.getString(1), row.getString(2), row.getString(3)));
      }
    }
    return rows;
  }
}
