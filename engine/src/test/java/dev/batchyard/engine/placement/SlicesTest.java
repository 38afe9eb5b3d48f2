package dev.batchyard.engine.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Part;
import dev.batchyard.api.Slices;
import dev.batchyard.api.Split;
import java.time.Duration;
import java.time.Instant;
import java.time.Period;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SlicesTest {

  private static final Instant MARCH = Instant.parse("2026-03-01T00:00:00Z");

  @Test
  void amounts_are_cut_into_ranges_of_nearly_one_size_without_gaps() {
    assertThat(Slices.byVolume(10, 4))
        .containsExactly(new Slices.Range(0, 4), new Slices.Range(4, 7), new Slices.Range(7, 10));
    assertThat(Slices.byVolume(4, 4)).containsExactly(new Slices.Range(0, 4));
    assertThat(Slices.byVolume(Long.MAX_VALUE, Long.MAX_VALUE / 2)).hasSize(3);
    assertThat(Slices.byVolume(100_000, 1)).hasSize(Split.PARTS_MAX);
    assertThatThrownBy(() -> Slices.byVolume(100_001, 1)).hasMessageContaining("100,000 parts");
    assertThatThrownBy(() -> Slices.byVolume(0, 1)).hasMessageContaining("total: 0");
    assertThatThrownBy(() -> Slices.byVolume(1, 0)).hasMessageContaining("most: 0");
  }

  @Test
  void times_are_cut_by_length_and_the_last_span_ends_with_the_whole() {
    assertThat(Slices.byTime(MARCH, MARCH.plusSeconds(25), Duration.ofSeconds(10)))
        .containsExactly(
            new Slices.Times(MARCH, MARCH.plusSeconds(10)),
            new Slices.Times(MARCH.plusSeconds(10), MARCH.plusSeconds(20)),
            new Slices.Times(MARCH.plusSeconds(20), MARCH.plusSeconds(25)));
    assertThat(Slices.byTime(Instant.MIN, Instant.MAX, Duration.ofSeconds(Long.MAX_VALUE)))
        .hasSize(1);
    assertThatThrownBy(() -> Slices.byTime(MARCH, MARCH, Duration.ofDays(1)))
        .hasMessageContaining("must be after from");
    assertThatThrownBy(() -> Slices.byTime(MARCH, MARCH.plusSeconds(1), Duration.ZERO))
        .hasMessageContaining("step: PT0S");
    assertThatThrownBy(
            () -> Slices.byTime(MARCH, MARCH.plusSeconds(100_001), Duration.ofSeconds(1)))
        .hasMessageContaining("100,000 parts");
  }

  @Test
  void days_are_as_long_as_the_clocks_of_a_zone_make_them_and_months_end_where_they_end() {
    ZoneId berlin = ZoneId.of("Europe/Berlin");
    Instant from = Instant.parse("2026-03-28T23:00:00Z"); // midnight of the day with 23 hours
    assertThat(Slices.byTime(from, from.plus(Duration.ofHours(47)), Period.ofDays(1), berlin))
        .extracting(span -> Duration.between(span.from(), span.to()).toHours())
        .containsExactly(23L, 24L);
    Instant january = Instant.parse("2026-01-31T00:00:00Z");
    assertThat(
            Slices.byTime(
                january, Instant.parse("2026-04-30T00:00:00Z"), Period.ofMonths(1), ZoneOffset.UTC))
        .extracting(Slices.Times::to)
        .containsExactly(
            Instant.parse("2026-02-28T00:00:00Z"),
            Instant.parse("2026-03-31T00:00:00Z"),
            Instant.parse("2026-04-30T00:00:00Z"));
    assertThatThrownBy(
            () -> Slices.byTime(january, january.plusSeconds(1), Period.ZERO, ZoneOffset.UTC))
        .hasMessageContaining("step: P0D");
  }

  @Test
  void units_keep_their_order() {
    assertThat(Slices.byUnit(List.of("北", "南", "东"), 2))
        .containsExactly(List.of("北", "南"), List.of("东"));
    assertThatThrownBy(() -> Slices.byUnit(List.of(), 2)).hasMessageContaining("units: 0");
  }

  @Test
  void a_split_says_what_is_wrong_with_it() {
    assertThatThrownBy(() -> Split.of("t", List.of())).hasMessageContaining("0 parts");
    List<Part> two = List.of(new Part(0, 2), new Part(1, 2));
    assertThat(Split.of("t", two).labelled(p -> "第 " + p.index() + " 部分").labels())
        .containsExactly("第 0 部分", "第 1 部分");
    assertThatThrownBy(() -> Split.of("t", two).oneAfterTheOther().goingOnWithoutFailed())
        .hasMessageContaining("choose one");
    assertThatThrownBy(() -> new Part(2, 2)).hasMessageContaining("index: 2");
  }
}
