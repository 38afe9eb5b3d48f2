package dev.batchyard.engine.run;

import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.task.StopReason;
import java.time.Duration;
import java.util.function.Supplier;

/** Repeats writes of one attempt for a while, as long as its task may still be ours. */
final class Insistence {

  private static final Duration PAUSE_MIN = Duration.ofMillis(50);
  private static final Duration PAUSE_MAX = Duration.ofSeconds(1);

  /** For so long what is to be recorded is tried again while the store is away. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Attempt attempt;
  private final Signal news;

  Insistence(Attempt attempt, Threads threads) {
    this.attempt = attempt;
    this.news = new Signal(threads);
  }

  /**
   * Calls until the store answers.
   *
   * @param call recognises its own first try
   * @throws StoreUnavailable if the store was away for too long, or the task is no longer ours
   */
  <T> T on(Supplier<T> call) throws InterruptedException {
    Duration waited = Duration.ZERO;
    Duration pause = PAUSE_MIN;
    while (true) {
      try {
        return call.get();
      } catch (StoreUnavailable e) {
        boolean ours = !attempt.hasEnded() && attempt.stop() != StopReason.LEASE_LOST;
        if (!ours || waited.compareTo(PATIENCE) >= 0) {
          throw e;
        }
        boolean _ = news.await(pause); // nothing comes: it only waits
        waited = waited.plus(pause);
        pause = pause.multipliedBy(2).compareTo(PAUSE_MAX) > 0 ? PAUSE_MAX : pause.multipliedBy(2);
      }
    }
  }
}
