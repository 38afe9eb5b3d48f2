package dev.batchyard.web.page;

import java.text.NumberFormat;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Numbers, times and durations as a reader of one language in one zone expects them. */
public final class Formats {

  private static final long GIB_MIB = 1_024;

  private final Words words;
  private final ZoneId zone;
  private final DateTimeFormatter times;

  /** Writes in the words' language, with times of that zone and their offset from UTC. */
  public Formats(Words words, ZoneId zone) {
    this.words = words;
    this.zone = zone;
    this.times = DateTimeFormatter.ofPattern(words.text("format.time"), words.language().locale());
  }

  /** {@return a whole number, grouped} */
  public String number(long number) {
    return NumberFormat.getIntegerInstance(locale()).format(number);
  }

  /** {@return items a second: with one decimal below ten, else whole} */
  public String rate(double rate) {
    NumberFormat format = NumberFormat.getNumberInstance(locale());
    format.setMaximumFractionDigits(rate < 10 ? 1 : 0);
    return words.text("format.rate", format.format(rate));
  }

  /** {@return a fraction from 0 to 1 as percent; 100 % only when it is 1} */
  public String percent(double fraction) {
    double shown = fraction >= 1 ? 1 : Math.min(Math.max(fraction, 0), 0.999);
    NumberFormat format = NumberFormat.getPercentInstance(locale());
    format.setMaximumFractionDigits(fraction >= 1 || fraction <= 0 ? 0 : 1);
    return format.format(shown);
  }

  /** {@return so many mebibytes; from ten gibibytes on in these} */
  public String mebibytes(long mib) {
    return mib < 10 * GIB_MIB
        ? words.text("format.mebibytes", number(mib))
        : words.text("format.gibibytes", number(mib / GIB_MIB));
  }

  /** {@return date, time of day to the second and offset from UTC} */
  public String time(Instant at) {
    return times.format(at.atZone(zone));
  }

  /** {@return a duration in its two largest units; below a minute in seconds} */
  public String duration(Duration duration) {
    long seconds = Math.max(0, duration.toSeconds());
    if (seconds == 0) {
      return words.text("format.milliseconds", number(Math.max(0, duration.toMillis())));
    }
    if (seconds < 60) {
      return words.text("format.seconds", seconds);
    }
    if (seconds < 3600) {
      return words.text("format.minutes", seconds / 60, seconds % 60);
    }
    if (seconds < 86_400) {
      return words.text("format.hours", seconds / 3600, seconds / 60 % 60);
    }
    return words.text("format.days", number(seconds / 86_400), seconds / 3600 % 24);
  }

  /** {@return a duration to the millisecond, in all units that it has} */
  public String exact(Duration duration) {
    Map<String, Long> parts = new LinkedHashMap<>();
    parts.put("format.exact.d", duration.toDaysPart());
    parts.put("format.exact.h", (long) duration.toHoursPart());
    parts.put("format.exact.m", (long) duration.toMinutesPart());
    parts.put("format.seconds", (long) duration.toSecondsPart());
    parts.put("format.milliseconds", (long) duration.toMillisPart());
    parts.values().removeIf(count -> count == 0);
    return parts.isEmpty()
        ? words.text("format.seconds", 0)
        : parts.entrySet().stream()
            .map(part -> words.text(part.getKey(), number(part.getValue())))
            .collect(Collectors.joining(" "));
  }

  private Locale locale() {
    return words.language().locale();
  }
}
