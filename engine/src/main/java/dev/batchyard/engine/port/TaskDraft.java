package dev.batchyard.engine.port;

import java.time.Instant;
import java.util.Optional;

/**
 * A checked task on its way into the store.
 *
 * @param paramsJson its parameters as a JSON object
 * @param due not before; at once when empty, by the database's clock
 * @param retry the name of its retry policy
 */
public record TaskDraft(
    String type,
    String paramsJson,
    String label,
    String queue,
    int priority,
    Optional<Instant> due,
    Optional<String> key,
    String retry) {}
