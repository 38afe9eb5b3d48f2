package dev.batchyard.app.cli;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;

/** Lengths of time as a person writes them: {@code 90s}, {@code 1h30m}, {@code 1d}, or ISO 8601. */
final class Spans {

  private static final Pattern WRITTEN =
      Pattern.compile(
          "(?:(\\d{1,6})d)?(?:(\\d{1,6})h)?(?:(\\d{1,6})m)?(?:(\\d{1,6})s)?(?:(\\d{1,9})ms)?");
  private static final long[] UNITS_MS = {86_400_000, 3_600_000, 60_000, 1_000, 1};
  private static final String[] UNITS = {"d", "h", "m", "s", "ms"};

  private Spans() {}

  /** Reads an option. */
  static final class Converter implements CommandLine.ITypeConverter<Duration> {
    @Override
    public Duration convert(String word) {
      return parse(word);
    }
  }

  static Duration parse(String word) {
    Matcher written = WRITTEN.matcher(word);
    if (!word.isEmpty() && written.matches()) {
      long ms = 0;
      for (int i = 0; i < UNITS.length; i++) {
        String count = written.group(i + 1);
        ms += count == null ? 0 : Long.parseLong(count) * UNITS_MS[i];
      }
      return Duration.ofMillis(ms);
    }
    try {
      return Duration.parse(word);
    } catch (DateTimeException e) {
      throw new CommandLine.TypeConversionException(
          "'%s' is no length of time; write it as 90s, 10m, 1h30m, 1d or PT15M".formatted(word));
    }
  }

  /** {@return it as {@link #parse} reads it} */
  static String text(Duration span) {
    StringBuilder text = new StringBuilder();
    long left = span.toMillis();
    for (int i = 0; i < UNITS.length; i++) {
      long count = left / UNITS_MS[i];
      if (count > 0) {
        text.append(count).append(UNITS[i]);
      }
      left %= UNITS_MS[i];
    }
    return text.isEmpty() ? "0s" : text.toString();
  }
}
