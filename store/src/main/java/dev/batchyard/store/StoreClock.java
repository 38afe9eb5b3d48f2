package dev.batchyard.store;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The instant that statements use for due times, leases and the times they write. Between nodes
 * there is one clock, the database's; only tests bind an instant of their own. The other times are
 * the process's own, for a simulation to replace.
 */
@FunctionalInterface
public interface StoreClock {

  /** The database's own clock: nothing is bound. */
  StoreClock DATABASE = Optional::empty;

  /** {@return the instant to bind, or empty for the database's clock} */
  Optional<Instant> bound();

  /** {@return nanoseconds since some instant, never going back: for how long things take here} */
  default long nanos() {
    return System.nanoTime();
  }

  /** {@return what runs things so much later, on a thread of the JVM} */
  default Executor after(Duration delay) {
    return CompletableFuture.delayedExecutor(delay.toNanos(), TimeUnit.NANOSECONDS);
  }
}
