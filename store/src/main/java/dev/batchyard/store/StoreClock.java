package dev.batchyard.store;

import java.time.Instant;
import java.util.Optional;

/**
 * The instant that statements use for due times, leases and the times they write. Between nodes
 * there is one clock, the database's; only tests bind an instant of their own.
 */
@FunctionalInterface
public interface StoreClock {

  /** The database's own clock: nothing is bound. */
  StoreClock DATABASE = Optional::empty;

  /** {@return the instant to bind, or empty for the database's clock} */
  Optional<Instant> bound();
}
