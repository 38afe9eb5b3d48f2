package dev.batchyard.web.dashboard;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class JsonIndentTest {

  @Test
  void values_stay_as_they_are_and_structure_gets_lines() {
    assertThat(JsonIndent.indent("{\"a\":[1.50, {}],\"b\": \"x, {\\\"y\\\": [\"}"))
        .isEqualTo(
            """
            {
              "a": [
                1.50,
                {}
              ],
              "b": "x, {\\"y\\": ["
            }\
            """);
  }

  @Test
  void what_is_no_json_comes_back_readable() {
    assertThat(JsonIndent.indent("}] oops \"")).contains("oops");
    assertThat(JsonIndent.indent("")).isEmpty();
    assertThat(JsonIndent.indent("[".repeat(1000)).length()).isLessThan(30_000);
  }
}
