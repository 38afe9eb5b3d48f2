package dev.batchyard.store;

import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.Nearest;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * The numbers of lanes and the names that exist, kept in memory: lanes are never renumbered, queues
 * and the two built-in retry policies never taken away. Other policies and pools may be.
 */
final class Lanes {

  private record Lane(
      String queue, String type, int priority, int requirement, Map<String, Integer> pools) {}

  /** A policy or pool that was there so long ago is looked up again. */
  private static final long KNOWN_NS = TimeUnit.SECONDS.toNanos(10);

  private static final Set<String> BUILT_IN =
      Set.of(RetryPolicy.DEFAULT.name(), RetryPolicy.CRITICAL.name());

  private static final int NAMES_SHOWN = 20;

  private static final String QUEUES =
      """
      select name from queue order by name
      """;

  private static final String RETRY_POLICIES =
      """
      select name from retry_policy order by name
      """;

  private static final String POOLS =
      """
      select name, per_key, type from pool order by name
      """;

  // a pool that is held so is not deleted; claims do not wait for it
  private static final String KEEP_POOLS =
      """
      select name from pool where name = any (?::text[]) order by name for key share
      """;

  private static final String NUMBER =
      """
      select lane_of(?, ?, ?, ?, ?::text[], ?) as id
      """;

  /** How tasks name a pool: with a key or without; not at all if it counts a type. */
  private record Naming(boolean perKey, Optional<String> type) {}

  private final Db db;
  private final Requirements requirements;
  private final Map<Lane, Integer> numbers = new ConcurrentHashMap<>();
  private final Set<String> queues = ConcurrentHashMap.newKeySet();
  private final Set<String> retryPolicies = ConcurrentHashMap.newKeySet();
  private final Map<String, Naming> pools = new ConcurrentHashMap<>();
  private final LongSupplier nanos;
  private volatile long readNs;

  /**
   * Over a database.
   *
   * @param nanos a ticker
   */
  Lanes(Db db, LongSupplier nanos) {
    this.db = db;
    this.requirements = new Requirements(db);
    this.nanos = nanos;
    forget();
  }

  /** Policies and pools are looked up anew; the built-in policies are always there. */
  void forget() {
    pools.clear();
    retryPolicies.retainAll(BUILT_IN);
    retryPolicies.addAll(BUILT_IN);
    readNs = nanos.getAsLong();
  }

  /**
   * Checks the names of drafts.
   *
   * @throws UnknownName if a queue, a retry policy or a pool does not exist
   */
  void check(List<TaskDraft> drafts) {
    check(
        "queue",
        "queue",
        QUEUES,
        queues,
        drafts,
        TaskDraft::queue,
        "; './batchyard queue %s --create' makes it");
    if (nanos.getAsLong() - readNs > KNOWN_NS) {
      forget();
    }
    check(
        "retry",
        "retry policy",
        RETRY_POLICIES,
        retryPolicies,
        drafts,
        TaskDraft::retry,
        "; './batchyard retry-policy %s --create' makes it");
    checkPools(drafts);
  }

  private void checkPools(List<TaskDraft> drafts) {
    if (drafts.stream().allMatch(draft -> draft.pools().keySet().stream().allMatch(this::fits))) {
      return;
    }
    db.query(
            POOLS,
            r ->
                Map.entry(
                    r.getString("name"),
                    new Naming(r.getBoolean("per_key"), Sql.maybeText(r, "type"))))
        .forEach(pool -> pools.put(pool.getKey(), pool.getValue()));
    for (int place = 0; place < drafts.size(); place++) {
      for (String named : new TreeSet<>(drafts.get(place).pools().keySet())) {
        if (!fits(named)) {
          throw new UnknownName("pools", place, "pool '%s' %s".formatted(named, problem(named)));
        }
      }
    }
  }

  private boolean fits(String named) {
    Naming naming = pools.get(PoolLines.pool(named));
    return naming != null && naming.type().isEmpty() && naming.perKey() == PoolLines.hasKey(named);
  }

  private String problem(String named) {
    String name = PoolLines.pool(named);
    Naming naming = pools.get(name);
    if (naming == null) {
      return "does not exist; %s; './batchyard pool create %s' makes it"
          .formatted(known(pools.keySet(), name), name);
    }
    if (naming.type().isPresent()) {
      return "counts all tasks of type %s by itself; leave it out".formatted(naming.type().get());
    }
    return naming.perKey()
        ? "is per key; name it with one, as %s:KEY".formatted(name)
        : "is not per key; name it as %s".formatted(name);
  }

  /**
   * Sees to it that the pools of drafts are not deleted before this transaction ends.
   *
   * @throws UnknownName if one of them is gone already
   */
  void keepPools(Connection connection, List<TaskDraft> drafts) throws SQLException {
    Set<String> names = new TreeSet<>();
    drafts.forEach(draft -> draft.pools().keySet().forEach(n -> names.add(PoolLines.pool(n))));
    if (!names.isEmpty()
        && Sql.query(connection, KEEP_POOLS, r -> true, (Object) names.toArray(String[]::new))
                .size()
            < names.size()) {
      forget();
      checkPools(drafts);
    }
  }

  /**
   * {@return the number of a draft's lane, made if it is new}
   *
   * @throws dev.batchyard.engine.port.InvalidParameters if it requires something new, and there are
   *     too many different requirements
   */
  int number(TaskDraft draft) {
    Map<String, Integer> used = draft.pools().isEmpty() ? Map.of() : PoolLines.of(draft.pools());
    return numbers.computeIfAbsent(
        new Lane(
            draft.queue(),
            draft.type(),
            draft.priority(),
            requirements.number(draft.requirement()),
            used),
        this::read);
  }

  private int read(Lane lane) {
    return db.query(
            NUMBER,
            r -> r.getInt("id"),
            lane.queue(),
            lane.type(),
            lane.priority(),
            lane.requirement(),
            lane.pools().keySet().toArray(String[]::new),
            lane.pools().values().stream().mapToInt(Integer::intValue).toArray())
        .getFirst();
  }

  private void check(
      String field,
      String what,
      String sql,
      Set<String> known,
      List<TaskDraft> drafts,
      Function<TaskDraft, String> naming,
      String cure) {
    if (drafts.stream().map(naming).allMatch(known::contains)) {
      return;
    }
    List<String> names = drafts.stream().map(naming).toList();
    Set<String> unknown = unknown(known, names);
    known.addAll(db.query(sql, r -> r.getString("name")));
    Set<String> missing = unknown(known, unknown);
    if (!missing.isEmpty()) {
      String name = missing.iterator().next();
      throw new UnknownName(
          field,
          names.indexOf(name),
          "%s '%s' does not exist; %s".formatted(what, name, known(known, name))
              + cure.formatted(name));
    }
  }

  private static String known(Set<String> known, String name) {
    if (known.isEmpty()) {
      return "there is none yet";
    }
    List<String> names = new TreeSet<>(known).stream().limit(NAMES_SHOWN).toList();
    return Nearest.to(name, known)
            .map(near -> "did you mean '" + near + "'? There are: ")
            .orElse("there are: ")
        + String.join(", ", names)
        + (names.size() < known.size()
            ? " and %d more".formatted(known.size() - names.size())
            : "");
  }

  private static Set<String> unknown(Set<String> known, Collection<String> names) {
    Set<String> rest = new TreeSet<>(names);
    rest.removeAll(known);
    return rest;
  }
}
