package dev.batchyard.store;

import dev.batchyard.api.Limits;
import dev.batchyard.engine.port.InvalidParameters;
import java.time.Instant;
import java.util.Optional;

/**
 * A deadline must lie ahead when its task is stored: who writes one that has passed is mistaken.
 */
final class Deadlines {

  private Deadlines() {}

  /**
   * {@return what is wrong with a deadline; empty if nothing is}
   *
   * @param at when the task was stored, by the database's clock
   */
  static Optional<InvalidParameters.Problem> passed(String field, Limits limits, Instant at) {
    return limits
        .deadline()
        .filter(deadline -> !deadline.isAfter(at))
        .map(deadline ->
            new InvalidParameters.Problem(
                field,
                "%s has passed (the database's clock says %s); name a later instant or none"
                    .formatted(deadline, at)));
  }
}
