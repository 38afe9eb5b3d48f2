package dev.batchyard.app;

import dev.batchyard.store.server.CannotStart;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repeats a step of this process's start that the data folder's server interrupted by dying: it
 * comes back by itself, or is started again. Whatever else is in the way is told at once.
 */
final class StartTries {

  /** How long a start goes on trying. The time that a recovery takes comes on top. */
  static final Duration MOST = Duration.ofSeconds(60);

  private static final Logger LOG = LoggerFactory.getLogger(StartTries.class);
  private static final long PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(100);

  private final Runnable reach;
  private final Predicate<Throwable> away;
  private final LongSupplier nanos;

  /**
   * Does nothing yet.
   *
   * @param reach makes sure that the server runs; throws {@link CannotStart} if it does not start
   * @param away whether an exception says that the server was away
   * @param nanos a ticker
   */
  StartTries(Runnable reach, Predicate<Throwable> away, LongSupplier nanos) {
    this.reach = reach;
    this.away = away;
    this.nanos = nanos;
  }

  /**
   * Runs a step until it passes.
   *
   * @throws CannotStart if something else is in the way, or the server dies for longer than {@link
   *     #MOST}: then with what it said last
   */
  void run(Runnable step) {
    long reachedForNs = 0;
    long fromNs = nanos.getAsLong();
    for (int failures = 1; ; failures++) {
      try {
        step.run();
        return;
      } catch (CannotStart e) {
        if (!away.test(e)) {
          throw e;
        }
        if (nanos.getAsLong() - fromNs - reachedForNs >= MOST.toNanos()) {
          throw new CannotStart(
              "the data folder's PostgreSQL goes away again and again: %d times in %d s; it said last: %s; its log is in the data folder, in log/"
                  .formatted(failures, MOST.toSeconds(), said(e)),
              e);
        }
        if (failures == 1) {
          LOG.warn("PostgreSQL went away during the start ({}); trying again", said(e));
        }
      }
      LockSupport.parkNanos(PAUSE_NS);
      long reachFromNs = nanos.getAsLong();
      reach.run();
      reachedForNs += nanos.getAsLong() - reachFromNs;
    }
  }

  private static String said(CannotStart e) {
    Throwable cause = e.getCause() == null ? e : e.getCause();
    return String.valueOf(cause.getMessage()).replaceAll("\\s+", " ");
  }
}
