package dev.batchyard.engine.crash;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CrashPointTest {

  @ParameterizedTest
  @EnumSource
  void each_is_chosen_by_its_name_and_passed_unharmed_otherwise(CrashPoint point) {
    assertThat(CrashPoint.plan(point.told() + "@3")).contains(new CrashPoint.Plan(point, 3));
    point.pass();
    assertThat(CrashPoint.problem()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "claimed",
        "claimed@",
        "claimed@0",
        "claimed@-1",
        "claimed@x",
        "CLAIMED@1",
        "nowhere@1",
        "@1",
        "claimed@99999999999"
      })
  void another_text_chooses_none(String text) {
    assertThat(CrashPoint.plan(text)).isEmpty();
  }

  @Test
  void what_is_wrong_with_a_text_is_said_with_the_cure() {
    assertThat(CrashPoint.problem("认领@1"))
        .startsWith("-Dbatchyard.crash: '认领@1' must be one of session-opened, ")
        .contains("ends-unsettled, ")
        .endsWith("it is for tests, leave it out");
  }
}
