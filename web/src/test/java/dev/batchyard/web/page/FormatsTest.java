package dev.batchyard.web.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

final class FormatsTest {

  private final Formats english = new Formats(Words.in(Language.EN), ZoneOffset.UTC);
  private final Formats chinese = new Formats(Words.in(Language.ZH), ZoneId.of("Asia/Shanghai"));

  @Test
  void a_hundred_percent_means_that_it_is_done() {
    assertThat(english.percent(0)).isEqualTo("0%");
    assertThat(english.percent(0.1234)).isEqualTo("12.3%");
    assertThat(english.percent(0.99999)).isEqualTo("99.9%");
    assertThat(english.percent(1)).isEqualTo("100%");
  }

  @Test
  void durations_have_two_units_at_most() {
    assertThat(english.duration(Duration.ofMillis(250))).isEqualTo("250 ms");
    assertThat(english.duration(Duration.ofSeconds(59))).isEqualTo("59 s");
    assertThat(english.duration(Duration.ofSeconds(3599))).isEqualTo("59 min 59 s");
    assertThat(english.duration(Duration.ofMinutes(61))).isEqualTo("1 h 1 min");
    assertThat(english.duration(Duration.ofHours(49))).isEqualTo("2 d 1 h");
    assertThat(chinese.duration(Duration.ofSeconds(83))).isEqualTo("1 分 23 秒");
    assertThat(english.duration(Duration.ofSeconds(-1))).isEqualTo("0 ms");
  }

  @Test
  void what_was_set_is_shown_to_the_millisecond() {
    assertThat(english.exact(Duration.ZERO)).isEqualTo("0 s");
    assertThat(english.exact(Duration.ofSeconds(60))).isEqualTo("1 min");
    assertThat(english.exact(Duration.ofMillis(1_500))).isEqualTo("1 s 500 ms");
    assertThat(english.exact(Duration.ofDays(30).plusHours(2))).isEqualTo("30 d 2 h");
    assertThat(chinese.exact(Duration.ofMillis(93_784_005))).isEqualTo("1 天 2 小时 3 分 4 秒 5 毫秒");
  }

  @Test
  void times_carry_their_offset() {
    Instant at = Instant.parse("2031-03-30T18:30:05Z");
    assertThat(english.time(at)).isEqualTo("30 Mar 2031, 18:30:05 +00:00");
    assertThat(chinese.time(at)).isEqualTo("2031年3月31日 02:30:05 +08:00");
  }

  @Test
  void rates_are_whole_unless_they_are_small() {
    assertThat(english.rate(12_345.6)).isEqualTo("12,346/s");
    assertThat(english.rate(0.25)).isEqualTo("0.2/s");
    assertThat(chinese.rate(3)).isEqualTo("3 项/秒");
  }
}
