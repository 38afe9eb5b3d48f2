package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

final class SpansTest {

  @ParameterizedTest
  @CsvSource({
    "90s, PT90S, 1m30s",
    "10m, PT10M, 10m",
    "1h30m, PT90M, 1h30m",
    "1d, PT24H, 1d",
    "250ms, PT0.25S, 250ms",
    "PT15M, PT15M, 15m",
    "0s, PT0S, 0s"
  })
  void a_length_is_read_and_told_in_one_notation(String word, Duration span, String told) {
    assertThat(Spans.parse(word)).isEqualTo(span);
    assertThat(Spans.text(span)).isEqualTo(told);
    assertThat(Spans.parse(told)).isEqualTo(span);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "m", "1m2h", "1.5h", "-3s", "soon", "1234567890d", "1h "})
  void anything_else_is_refused_with_what_to_write(String word) {
    assertThatThrownBy(() -> Spans.parse(word))
        .isInstanceOf(CommandLine.TypeConversionException.class)
        .hasMessageContaining("'" + word + "'")
        .hasMessageContaining("1h30m");
  }

  @Test
  void the_longest_that_can_be_written_does_not_overflow() {
    assertThat(Spans.parse("999999999d999999999h999999999m999999999s999999999999ms")).isPositive();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0s", "-PT1S", "3651d", "9999999d", "PT9999999999H"})
  void a_limit_that_cannot_be_is_refused_with_its_range(String word) {
    assertThatThrownBy(() -> new Spans.Timeout().convert(word))
        .isInstanceOf(CommandLine.TypeConversionException.class)
        .hasMessage("'%s' is not from 1ms to 3650d", word);
  }
}
