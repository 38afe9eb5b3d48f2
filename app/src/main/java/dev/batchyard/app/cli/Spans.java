package dev.batchyard.app.cli;

import dev.batchyard.api.Limits;
import dev.batchyard.engine.port.Queues;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Lengths of time as a person writes them: {@code 90s}, {@code 1h30m}, {@code 1d}, or ISO 8601. */
final class Spans {

  private static final Pattern WRITTEN =
      Pattern.compile(
          "(?:(\\d{1,9})d)?(?:(\\d{1,9})h)?(?:(\\d{1,9})m)?(?:(\\d{1,9})s)?(?:(\\d{1,12})ms)?");
  private static final long[] UNITS_MS = {86_400_000, 3_600_000, 60_000, 1_000, 1};
  private static final String[] UNITS = {"d", "h", "m", "s", "ms"};
  private static final Duration LEAST = Duration.ofMillis(1);

  private Spans() {}

  /** A limit of a task. */
  static final class Timeout implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String word) {
      return between(word, LEAST, Limits.TIMEOUT_MAX);
    }
  }

  /** The age step of a queue. */
  static final class AgeStep implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String word) {
      return between(word, Duration.ZERO, Queues.AGE_STEP_MAX);
    }
  }

  /** A delay; what it belongs to knows its range. */
  static final class Delay implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String word) {
      return parse(word);
    }
  }

  private static Duration between(String word, Duration least, Duration most) {
    Duration span = parse(word);
    if (span.compareTo(least) < 0 || span.compareTo(most) > 0) {
      throw new TypeConversionException(
          "'%s' is not from %s to %dd".formatted(word, text(least), most.toDays()));
    }
    return span;
  }

  /** {@return the length}, or refuses it naming what to write */
  static Duration parse(String word) {
    return read(word)
        .orElseThrow(() ->
            new TypeConversionException(
                "'%s' is no length of time; write it as 90s, 10m, 1h30m, 1d or PT15M"
                    .formatted(word)));
  }

  /** {@return the length, if it is one} */
  static Optional<Duration> read(String word) {
    Matcher written = WRITTEN.matcher(word);
    if (!word.isEmpty() && written.matches()) {
      long ms = 0;
      for (int i = 0; i < UNITS.length; i++) {
        String count = written.group(i + 1);
        ms += count == null ? 0 : Long.parseLong(count) * UNITS_MS[i];
      }
      return Optional.of(Duration.ofMillis(ms));
    }
    try {
      return Optional.of(Duration.parse(word));
    } catch (DateTimeException e) {
      return Optional.empty();
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
