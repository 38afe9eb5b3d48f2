package dev.batchyard.app.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Check;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class OperatingPageTest {

  private static final String HEAD = "| key in `batchyard.yaml` |";

  @Test
  void its_table_of_settings_is_that_of_the_keys() throws IOException {
    List<String> table =
        Files.readAllLines(Path.of("..", "docs", "operating.md")).stream()
            .dropWhile(line -> !line.startsWith(HEAD))
            .skip(2)
            .takeWhile(line -> line.startsWith("|"))
            .toList();
    assertThat(table)
        .containsExactlyElementsOf(Arrays.stream(Key.values()).map(key -> row(key)).toList());
  }

  @Test
  void its_table_of_checks_is_that_of_the_doctor() throws IOException {
    List<String> table =
        Files.readAllLines(Path.of("..", "docs", "operating.md")).stream()
            .dropWhile(line -> !line.startsWith("| check | what it finds |"))
            .skip(2)
            .takeWhile(line -> line.startsWith("|"))
            .toList();
    assertThat(table)
        .containsExactlyElementsOf(
            Arrays.stream(Check.values())
                .map(check ->
                    "| `%s` | %s | %s |".formatted(check.word(), check.finds(), check.cure()))
                .toList());
  }

  private static String row(Key key) {
    return "| %s | `%s`%s | %s | %s | %s |"
        .formatted(
            key.mayBeInFolder() ? "`" + key.word() + "`" : "",
            key.variable(),
            key.hasFileVariable() ? ", `…_FILE`" : "",
            key.hasFlag() ? "`--" + key.word() + "`" : "",
            key.usual(),
            key.meaning());
  }
}
