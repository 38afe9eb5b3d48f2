package dev.batchyard.ops.log;

import dev.batchyard.engine.port.AttemptLogs.OpenLog;
import dev.batchyard.engine.port.LogLines.Line;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The log of one attempt: long lines are cut, many lines end with a mark, characters that no
 * database takes are replaced, escape sequences of terminals are removed. Thread-safe.
 */
final class BoundedLog implements OpenLog {

  /** The most characters of a line: 8 kB at one byte each. */
  static final int LINE_MAX = 8_192;

  /** The most lines of an attempt. */
  static final int LINES_MAX = 10_000;

  private static final Pattern ESCAPE = Pattern.compile("\\x1B\\[[0-9;?]*[ -/]*[@-~]");
  private static final Pattern BREAK = Pattern.compile("\\R");

  /** Where accepted lines go. */
  @FunctionalInterface
  interface Target {
    void add(Line line);
  }

  private final long task;
  private final int attempt;
  private final InstantSource clock;
  private final Target target;
  private final AtomicInteger lines = new AtomicInteger();
  private final AtomicReference<@Nullable Line> first = new AtomicReference<>();

  BoundedLog(long task, int attempt, InstantSource clock, Target target) {
    this.task = task;
    this.attempt = attempt;
    this.clock = clock;
    this.target = target;
  }

  @Override
  public void begin(String line) {
    first.set(line("info", clock.instant(), line));
  }

  @Override
  public void show() {
    Line held = first.getAndSet(null);
    if (held != null) {
      lines.incrementAndGet();
      target.add(held);
    }
  }

  @Override
  public void endQuietly(String line) {
    if (first.getAndSet(null) == null) {
      info(line);
    }
  }

  @Override
  public void info(String line) {
    add("info", line);
  }

  @Override
  public void warn(String line) {
    add("warn", line);
  }

  @Override
  public void error(String line) {
    add("error", line);
  }

  @Override
  public void close() {
    int over = lines.get() - LINES_MAX;
    if (over > 0) {
      target.add(
          line(
              "warn",
              clock.instant(),
              "… " + over + " lines were dropped: an attempt keeps " + LINES_MAX));
    }
  }

  private void add(String level, String text) {
    show();
    Instant at = clock.instant();
    // cut first: a line of 100 MB must not be searched
    String bounded = text.length() > 4 * LINE_MAX ? text.substring(0, 4 * LINE_MAX) : text;
    for (String line : BREAK.split(ESCAPE.matcher(bounded).replaceAll(""), -1)) {
      if (lines.incrementAndGet() <= LINES_MAX) {
        target.add(line(level, at, fit(line)));
      }
    }
  }

  private Line line(String level, Instant at, String text) {
    return new Line(0, task, attempt, at, level, text);
  }

  private static String fit(String line) {
    boolean cut = line.length() > LINE_MAX;
    String kept = cut ? line.substring(0, LINE_MAX) : line;
    StringBuilder text = new StringBuilder(kept.length());
    kept.codePoints()
        .map(c -> c == 0 || (c >= 0xD800 && c <= 0xDFFF) ? 0xFFFD : c)
        .forEach(text::appendCodePoint);
    return cut ? text.append(" … (cut)").toString() : text.toString();
  }
}
