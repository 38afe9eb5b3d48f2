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

  private final Pace items = new Pace();
  private final Pace fraction = new Pace();
  private Progress last;
  private Duration lastAt = Duration.ZERO;

  /** Begins at what earlier attempts had done, which is nobody's pace now. */
  public Eta(Progress start) {
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
    items.take((double) (progress.items() - last.items()), seconds);
    if (last.fraction() >= 0 && progress.fraction() >= 0) { // else the step is not of this time
      fraction.take(progress.fraction() - last.fraction(), seconds);
    }
    last = progress;
    lastAt = at;
  }

  /** {@return items a second, 0 when nothing moved} */
  public double rate() {
    return Math.max(0, items.perSecond);
  }

  /** {@return how long the rest takes at this pace, in milliseconds; empty if nobody can know} */
  public OptionalLong remainingMs() {
    if (last.fraction() < 0 || fraction.perSecond <= 0) {
      return OptionalLong.empty();
    }
    return OptionalLong.of(Math.round((1 - last.fraction()) / fraction.perSecond * MS_PER_S));
  }

  /** Something that grows; the time before it first moves does not count. */
  private static final class Pace {

    private double perSecond;
    private boolean moved;

    void take(double grown, double seconds) {
      double weight = moved ? 1 - Math.exp(-seconds / SMOOTHING_S) : 1;
      perSecond += weight * (grown / seconds - perSecond);
      moved = moved || grown > 0;
    }
  }
}
