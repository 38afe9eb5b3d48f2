package dev.batchyard.engine.port;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Labels;
import dev.batchyard.api.NewTask;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LabelsTest {

  private record None() {}

  private static final String FAMILY = "👨\u200D👩\u200D👧";

  @Test
  void one_line_of_any_language_is_a_label() {
    for (String label : List.of("", " ", "夜间导入", FAMILY, "e\u0301 العربية", "😀".repeat(200))) {
      assertThat(Labels.problem(label)).as(label).isEmpty();
    }
  }

  @Test
  void what_would_break_a_list_is_refused_by_value_and_cure() {
    assertThat(Labels.problem("夜\n间"))
        .contains(
            "'夜\\u000a间' holds a line break (U+000A) at character 2; write it on one line, without it");
    for (String bad :
        List.of(
            "\r", "\t", "\u0000", "\u001B", "\u007F", "\u0085", "\u2028", "\u2029", "\u202E",
            "\u2066")) {
      assertThat(Labels.problem("a" + bad)).as("U+%04X", (int) bad.charAt(0)).isPresent();
    }
    assertThat(Labels.problem("😀".repeat(201)))
        .contains("201 characters; at most 200: shorten it");
    assertThatThrownBy(() -> NewTask.of("t", new None()).withLabel("a\tb"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("label: 'a\\u0009b' holds a control character");
  }
}
