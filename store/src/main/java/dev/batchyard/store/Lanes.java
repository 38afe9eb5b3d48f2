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

  private record Lane(String queue, String type, int priority, Map<String, Integer> pools) {}

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
      select name from pool order by name
      """;

  // a pool that is held so is not deleted; claims do not wait for it
  private static final String KEEP_POOLS =
      """
      select name from pool where name = any (?::text[]) order by name for key share
      """;

  private static final String ADD =
      """
      insert into lane (queue, type, priority, pools, units)
      values (?, ?, ?, ?::text[], ?)
      on conflict do nothing
      """;

  private static final String NUMBER =
      """
      select id from lane where queue = ? and type = ? and priority = ? and pools = ?::text[] and units = ?
      """;

  private final Db db;
  private final Map<Lane, Integer> numbers = new ConcurrentHashMap<>();
  private final Set<String> queues = ConcurrentHashMap.newKeySet();
  private final Set<String> retryPolicies = ConcurrentHashMap.newKeySet();
  private final Set<String> pools = ConcurrentHashMap.newKeySet();
  private final LongSupplier nanos;
  private volatile long readNs;

  /**
   * Over a database.
   *
   * @param nanos a ticker
   */
  Lanes(Db db, LongSupplier nanos) {
    this.db = db;
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
        draft -> Set.of(draft.queue()),
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
        draft -> Set.of(draft.retry()),
        "; './batchyard retry-policy %s --create' makes it");
    checkPools(drafts);
  }

  private void checkPools(List<TaskDraft> drafts) {
    check(
        "pools",
        "pool",
        POOLS,
        pools,
        drafts,
        draft -> draft.pools().keySet(),
        "; './batchyard pool create %s' makes it");
  }

  /**
   * Sees to it that the pools of drafts are not deleted before this transaction ends.
   *
   * @throws UnknownName if one of them is gone already
   */
  void keepPools(Connection connection, List<TaskDraft> drafts) throws SQLException {
    Set<String> names = new TreeSet<>();
    drafts.forEach(draft -> names.addAll(draft.pools().keySet()));
    if (!names.isEmpty()
        && Sql.query(connection, KEEP_POOLS, r -> true, (Object) names.toArray(String[]::new))
                .size()
            < names.size()) {
      forget();
      checkPools(drafts);
    }
  }

  /** {@return the number of a draft's lane, made if it is new} */
  int number(TaskDraft draft) {
    return numbers.computeIfAbsent(
        new Lane(draft.queue(), draft.type(), draft.priority(), draft.pools()), this::read);
  }

  private int read(Lane lane) {
    // the insert uses up an id and writes even if the lane exists: so look first
    List<Integer> found = find(lane);
    if (found.isEmpty()) {
      var _ = db.update(ADD, key(lane));
      found = find(lane);
    }
    return found.getFirst();
  }

  private List<Integer> find(Lane lane) {
    return db.query(NUMBER, r -> r.getInt("id"), key(lane));
  }

  private static Object[] key(Lane lane) {
    List<Map.Entry<String, Integer>> pools =
        lane.pools().entrySet().stream().sorted(Map.Entry.comparingByKey()).toList();
    return new Object[] {
      lane.queue(),
      lane.type(),
      lane.priority(),
      pools.stream().map(Map.Entry::getKey).toArray(String[]::new),
      pools.stream().mapToInt(Map.Entry::getValue).toArray()
    };
  }

  private void check(
      String field,
      String what,
      String sql,
      Set<String> known,
      List<TaskDraft> drafts,
      Function<TaskDraft, Set<String>> naming,
      String cure) {
    if (drafts.stream().map(naming).allMatch(known::containsAll)) {
      return;
    }
    List<Set<String>> names = drafts.stream().map(naming).toList();
    Set<String> unknown = unknown(known, names.stream().flatMap(Set::stream).toList());
    known.addAll(db.query(sql, r -> r.getString("name")));
    Set<String> missing = unknown(known, unknown);
    if (!missing.isEmpty()) {
      String name = missing.iterator().next();
      int place = 0;
      while (!names.get(place).contains(name)) {
        place++;
      }
      throw new UnknownName(
          field,
          place,
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
