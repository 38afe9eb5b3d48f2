package dev.batchyard.app.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.tasks.data.ImportParams;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JacksonParametersTest {

  enum Mode {
    INSERT,
    UPSERT
  }

  record Column(String name, Optional<String> type) {}

  record Params(
      String file,
      int chunkRows,
      boolean create,
      Optional<Mode> mode,
      List<Column> columns,
      Optional<Map<String, String>> types) {
    Params {
      if (chunkRows < 1) {
        throw new IllegalArgumentException("chunkRows: " + chunkRows + " must be at least 1");
      }
    }
  }

  private final JacksonParameters codec = new JacksonParameters();

  @Test
  void what_is_encoded_reads_back_the_same() {
    Params params =
        new Params(
            "/数据/客户.csv",
            1000,
            true,
            Optional.of(Mode.UPSERT),
            List.of(new Column("编号", Optional.empty())),
            Optional.of(Map.of("金额", "numeric")));
    assertThat(codec.decode(Params.class, codec.encode(params))).isEqualTo(params);
  }

  @Test
  void every_problem_is_told_with_its_path_value_and_cure() {
    assertThatThrownBy(() ->
            codec.decode(
                Params.class,
                """
                {"file": 7, "chunkRow": 1, "create": "yes", "mode": "replace",
                 "columns": [{"name": "a", "type": 3}]}
                """))
        .isInstanceOf(InvalidParameters.class)
        .hasMessageContaining("file: 7 does not fit: it must be a text")
        .hasMessageContaining("chunkRow: is unknown; did you mean chunkRows?")
        .hasMessageContaining("chunkRows: is missing; it must be a whole number")
        .hasMessageContaining("create: \"yes\" does not fit: it must be true or false")
        .hasMessageContaining("mode: \"replace\" does not fit: it must be one of insert, upsert")
        .hasMessageContaining("columns[0].type: 3 does not fit: it must be a text");
  }

  @Test
  void what_the_record_refuses_is_told_in_its_words() {
    assertThatThrownBy(() ->
            codec.decode(
                Params.class,
                "{\"file\": \"a\", \"chunkRows\": 0, \"create\": false, \"columns\": []}"))
        .hasMessage("chunkRows: 0 must be at least 1");
  }

  @Test
  void what_the_record_refuses_is_told_along_with_what_does_not_fit() {
    assertThatThrownBy(() ->
            codec.decode(
                ImportParams.class,
                """
                {"fil": "x", "table": "a", "chunkRows": 0, "create": "maybe", "header": false,
                 "columns": "id"}
                """))
        .hasMessage(
            "fil: is unknown; did you mean file?; file: is missing; it must be a text; create: \"maybe\" does not fit: it must be true or false; columns: \"id\" does not fit: it must be an array; chunkRows: '0' must be 1 to 100000");
    assertThatThrownBy(() ->
            codec.decode(
                ImportParams.class,
                "{\"file\": \"/a\", \"table\": \"a\", \"rejectMax\": 1, \"rejectsMax\": -1}"))
        .hasMessage(
            "rejectMax: is unknown; did you mean rejectsMax?; rejectsMax: '-1' must be 0 or more");
  }

  @Test
  void an_unknown_field_alone_is_refused() {
    assertThatThrownBy(() -> codec.decode(Column.class, "{\"name\": \"a\", \"typ\": \"b\"}"))
        .isInstanceOf(InvalidParameters.class)
        .hasMessage("typ: is unknown; did you mean type?");
  }

  @Test
  void a_record_that_stumbles_over_what_does_not_fit_adds_nothing() {
    assertThatThrownBy(() ->
            codec.decode(
                Params.class,
                "{\"file\": \"a\", \"chunkRows\": \"many\", \"create\": false, \"columns\": []}"))
        .hasMessage("chunkRows: \"many\" does not fit: it must be a whole number");
  }

  @Test
  void what_no_database_takes_is_refused() {
    assertThatThrownBy(() -> codec.encode(new Column("a\0b", Optional.empty())))
        .isInstanceOf(InvalidParameters.class)
        .hasMessageContaining("NUL");
    assertThatThrownBy(() -> codec.encode(new Column("a\uD800", Optional.empty())))
        .isInstanceOf(InvalidParameters.class);
    assertThatThrownBy(() -> codec.encode(new Column("x".repeat(70_000), Optional.empty())))
        .hasMessageContaining("at most 65536");
    assertThat(codec.encode(new Column("😀 𠮷", Optional.empty()))).contains("😀");
  }

  @Test
  void numbers_survive_exactly_or_are_refused_by_field_value_and_cure() {
    record Scales(double factor, int n, Map<String, Double> more, Map<String, String> texts) {}
    assertThatThrownBy(() ->
            codec.decode(
                Scales.class,
                "{\"factor\": 1e400, \"n\": 5000000000, \"more\": {\"a\": -1e309}, \"texts\": {\"b\": 1e400}}"))
        .hasMessage(
            "factor: 1E+400 does not fit: it must be a number from -1.79E+308 to 1.79E+308; n: 5000000000 does not fit: it must be a whole number from -2147483648 to 2147483647; more.a: -1E+309 does not fit: it must be a number from -1.79E+308 to 1.79E+308; texts.b: 1E+400 does not fit: it must be a text");
    assertThat(
            codec.decode(
                Scales.class, "{\"factor\": 1e308, \"n\": 1, \"more\": {}, \"texts\": {}}"))
        .isEqualTo(new Scales(1e308, 1, Map.of(), Map.of()));

    Map<String, Object> most = Map.of("sum", new BigDecimal("1e131071"));
    assertThat(codec.encodeResult(most)).isEqualTo("{\"sum\":1E+131071}");
    for (String number :
        List.of("1E+400", "0.10000000000000000001", "1.50", "9".repeat(131_072) + ".1")) {
      String document = "{\"sum\":" + number + "}";
      assertThat(codec.write(codec.parse(document))).isEqualTo(document);
    }
    assertThatThrownBy(() -> codec.encodeResult(Map.of("means", List.of(1.0, Double.NaN))))
        .isInstanceOf(InvalidParameters.class)
        .hasMessage("means[1]: NaN is no number of JSON; leave it out or send it as a text");
    assertThatThrownBy(
            () -> codec.encode(new Scales(Double.NEGATIVE_INFINITY, 1, Map.of(), Map.of())))
        .hasMessageStartingWith("factor: -Infinity is no number");
  }

  @Test
  void broken_json_is_told_with_line_and_column() {
    assertThatThrownBy(() -> codec.decode(Column.class, "{\"name\": \"a\",\n \"name\": \"b\"}"))
        .isInstanceOf(InvalidParameters.class)
        .hasMessageContaining("line 2");
    assertThatThrownBy(() -> codec.decode(Column.class, "{\"name\": }"))
        .hasMessageContaining("not JSON: line 1, column");
    assertThatThrownBy(() -> codec.decode(Column.class, "[".repeat(100)))
        .isInstanceOf(InvalidParameters.class);
  }

  @Test
  void the_schema_says_what_is_required_and_refuses_the_rest() {
    assertThat(codec.schema(Params.class))
        .contains("\"required\":[\"file\",\"chunkRows\",\"create\",\"columns\"]")
        .contains("\"additionalProperties\":false")
        .contains("\"enum\":[\"insert\",\"upsert\"]");
  }
}
