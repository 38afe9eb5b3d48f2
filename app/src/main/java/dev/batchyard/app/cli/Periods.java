package dev.batchyard.app.cli;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Lengths of time as people write them: {@code 500ms}, {@code 30s}, {@code 10m}, {@code 24h},
 * {@code 7d}.
 */
final class Periods {

  private static final Pattern PERIOD = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");

  private Periods() {}

  /**
   * {@return the length}
   *
   * @throws IllegalArgumentException naming the field, the value and the forms
   */
  static Duration read(String field, String text) {
    Matcher matcher = PERIOD.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "%s '%s' must be a number with ms, s, m, h or d, such as 30s or 10m"
              .formatted(field, text));
    }
    long number = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      default -> Duration.ofDays(number);
    };
  }
}
