package dev.batchyard.app.cli;

import dev.batchyard.api.Limits;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How long a task may take, as flags of the commands that submit. */
final class LimitFlags {

  @Option(
      names = "--queue-timeout",
      paramLabel = "TIME",
      converter = Spans.Converter.class,
      description = "Fails when it waits longer than this for a node, such as 10m.")
  private Optional<Duration> queueTimeout = Optional.empty();

  @Option(
      names = "--attempt-timeout",
      paramLabel = "TIME",
      converter = Spans.Converter.class,
      description = "An attempt that runs longer is stopped and counts as a failure.")
  private Optional<Duration> attemptTimeout = Optional.empty();

  @Option(
      names = "--total-timeout",
      paramLabel = "TIME",
      converter = Spans.Converter.class,
      description = "Fails when it has not ended so long after its submit.")
  private Optional<Duration> totalTimeout = Optional.empty();

  @Option(
      names = "--deadline",
      paramLabel = "WHEN",
      description = "Fails when it has not ended by 2026-12-31T22:00:00+08:00, or PT15M from now.")
  private Optional<String> deadline = Optional.empty();

  /**
   * {@return the limits}
   *
   * @throws CliFailure naming the flag, its value and the cure
   */
  Limits read(Context context) {
    queueTimeout.ifPresent(span -> require("--queue-timeout", span));
    attemptTimeout.ifPresent(span -> require("--attempt-timeout", span));
    totalTimeout.ifPresent(span -> require("--total-timeout", span));
    return new Limits(
        queueTimeout,
        attemptTimeout,
        totalTimeout,
        deadline.map(text -> instant(context, "--deadline", text)));
  }

  private static void require(String option, Duration span) {
    if (span.toMillis() < 1 || span.compareTo(Limits.TIMEOUT_MAX) > 0) {
      throw new CliFailure(
          Exit.USAGE,
          "%s: %s is not from 1ms to %dd"
              .formatted(option, Spans.text(span), Limits.TIMEOUT_MAX.toDays()));
    }
  }

  /** {@return an instant that a person wrote, or a time from now} */
  static Instant instant(Context context, String option, String text) {
    try {
      return text.startsWith("P")
          ? context.clock().instant().plus(Duration.parse(text))
          : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw new CliFailure(
          Exit.USAGE,
          "%s '%s' must be an instant with its offset, such as 2026-12-31T22:00:00+08:00 or"
                  .formatted(option, text)
              + " 2026-12-31T14:00:00Z, or a time from now, such as PT15M");
    }
  }
}
