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

  private static final Instant END = Instant.parse("+10000-01-01T00:00:00Z");

  @Option(
      names = "--queue-timeout",
      paramLabel = "TIME",
      converter = Spans.Timeout.class,
      description = "Fails when it waits longer than this for a node, such as 10m.")
  private Optional<Duration> queueTimeout = Optional.empty();

  @Option(
      names = "--attempt-timeout",
      paramLabel = "TIME",
      converter = Spans.Timeout.class,
      description = "An attempt that runs longer is stopped and counts as a failure.")
  private Optional<Duration> attemptTimeout = Optional.empty();

  @Option(
      names = "--total-timeout",
      paramLabel = "TIME",
      converter = Spans.Timeout.class,
      description = "Fails when it has not ended so long after its submit.")
  private Optional<Duration> totalTimeout = Optional.empty();

  @Option(
      names = "--deadline",
      paramLabel = "WHEN",
      description = "Fails when it has not ended by 2026-12-31T22:00:00+08:00, or 15m from now.")
  private Optional<String> deadline = Optional.empty();

  /**
   * {@return the limits}
   *
   * @throws CliFailure naming the flag, its value and the cure
   */
  Limits read(Context context) {
    return new Limits(
        queueTimeout,
        attemptTimeout,
        totalTimeout,
        deadline.map(text -> instant(context, "--deadline", text)));
  }

  /** {@return an instant that a person wrote, or a time from now} */
  static Instant instant(Context context, String option, String text) {
    try {
      Optional<Duration> ahead = Spans.read(text);
      Instant at =
          ahead.isPresent()
              ? context.clock().instant().plus(ahead.get())
              : OffsetDateTime.parse(text).toInstant();
      if (at.isBefore(END)) {
        return at;
      }
    } catch (DateTimeException | ArithmeticException e) {
      // told below, together with what is too far away
    }
    throw new CliFailure(
        Exit.USAGE,
        "%s: '%s' must be an instant with its offset before the year 10000, such as"
                .formatted(option, text)
            + " 2026-12-31T22:00:00+08:00 or 2026-12-31T14:00:00Z, or a time from now, such as 15m or"
            + " PT15M");
  }
}
