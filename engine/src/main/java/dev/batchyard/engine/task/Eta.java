package dev.batchyard.engine.task;

import dev.batchyard.api.Progress;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * Rate and remaining time of one attempt, from the progress it told over its last seconds:
 * exponentially weighted, so that a burst is smoothed and a change of pace shows within about 15 s.
 * Not thread-safe.
 */
public final class Eta {

  private static final double SMOOTHING_S = 5.0;
  private static final long MS_PER_S = 1_000;

  private final Progress start;
  private Progress last;
  private Duration lastAt = Duration.ZERO;
  private double itemsPerSecond;
  private double fractionPerSecond;
  private boolean known;

  /** Begins at what earlier attempts had done. */
  public Eta(Progress start) {
    this.start = start;
    this.last = start;
  }

  /**
   * Takes the newest progress.
   *
   * @param at time since the attempt began, never going back
   */
  public void observe(Progress progress, Duration at) {
    double seconds = at.minus(lastAt).toNanos() / 1e9;
    if (seconds <= 0) {
      return;
    }
    double items = (progress.items() - last.items()) / seconds;
    double fraction = (progress.fraction() - last.fraction()) / seconds;
    double weight = known ? 1 - Math.exp(-seconds / SMOOTHING_S) : 1;
    itemsPerSecond += weight * (items - itemsPerSecond);
    fractionPerSecond += weight * (fraction - fractionPerSecond);
    known = known || progress.items() > start.items();
    last = progress;
    lastAt = at;
  }

  /** {@return items a second, 0 when nothing moved} */
  public double rate() {
    return Math.max(0, itemsPerSecond);
  }

  /** {@return how long the rest takes at this pace, in milliseconds; empty if nobody can know} */
  public OptionalLong remainingMs() {
    if (last.fraction() < 0 || fractionPerSecond <= 0) {
      return OptionalLong.empty();
    }
    return OptionalLong.of(Math.round((1 - last.fraction()) / fractionPerSecond * MS_PER_S));
  }
}
