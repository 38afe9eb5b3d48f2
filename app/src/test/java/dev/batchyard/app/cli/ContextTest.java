package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContextTest {

  private static final Path LISTED = Path.of("/listed");

  @Test
  void the_home_is_the_one_that_the_shell_means() {
    assertThat(Context.home(Map.of("HOME", "/users/李雷"), LISTED)).isEqualTo(Path.of("/users/李雷"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "here", "./here", "~"})
  void a_home_that_is_no_absolute_path_counts_as_none(String said) {
    assertThat(Context.home(Map.of("HOME", said), LISTED)).isEqualTo(LISTED);
  }

  @Test
  void without_the_variable_it_is_the_one_in_the_list_of_users() {
    assertThat(Context.home(Map.of(), LISTED)).isEqualTo(LISTED);
  }
}
