package dev.batchyard.engine.port;

import dev.batchyard.api.Limits;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskKeys;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A checked task on its way into the store. Throws {@link InvalidParameters} for a text or a number
 * that no statement can take: it would fail its neighbours too.
 *
 * @param paramsJson its parameters as a JSON object
 * @param due not before; at once when empty, by the database's clock
 * @param batch the batch that it is a member of
 * @param retry the name of its retry policy
 * @param limits how long it may take
 * @param requirement what a node must have to run it
 * @param pools how many units it uses of each pool that it uses while it runs
 */
public record TaskDraft(
    String type,
    String paramsJson,
    String label,
    String queue,
    int priority,
    Optional<Instant> due,
    TaskKeys keys,
    OptionalLong batch,
    String retry,
    Limits limits,
    Requirement requirement,
    Map<String, Integer> pools) {

  public TaskDraft {
    pools = Map.copyOf(pools);
    pools.keySet().forEach(pool -> Storable.requireText("pools", pool));
    Storable.requireText("type", type);
    Storable.requireJson("params", paramsJson);
    Storable.requireText("label", label);
    Storable.requireText("queue", queue);
    Storable.requireText("retry", retry);
    keys.idempotency().ifPresent(key -> Storable.requireText("key", key));
    keys.live().ifPresent(key -> Storable.requireText("unique-live", key));
    keys.within().ifPresent(within -> Storable.requireText("unique-within", within.key()));
  }

  /** A task that any node may run, and that uses no pools. */
  public TaskDraft(
      String type,
      String paramsJson,
      String label,
      String queue,
      int priority,
      Optional<Instant> due,
      TaskKeys keys,
      OptionalLong batch,
      String retry,
      Limits limits) {
    this(
        type,
        paramsJson,
        label,
        queue,
        priority,
        due,
        keys,
        batch,
        retry,
        limits,
        Requirement.NONE,
        Map.of());
  }

  /** A task that may take as long as it will, too. */
  public TaskDraft(
      String type,
      String paramsJson,
      String label,
      String queue,
      int priority,
      Optional<Instant> due,
      TaskKeys keys,
      OptionalLong batch,
      String retry) {
    this(type, paramsJson, label, queue, priority, due, keys, batch, retry, Limits.NONE);
  }

  /** {@return what its end will have to settle, as {@link Claim#flags()}} */
  public int flags() {
    return (keys.live().isPresent() ? Claim.LIVE_KEY : 0)
        | (batch.isPresent() ? Claim.MEMBER : 0)
        | (limits.none() ? 0 : Claim.LIMITS);
  }
}
