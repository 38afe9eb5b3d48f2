package dev.batchyard.store;

import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.Nearest;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
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
 * and the two built-in retry policies never taken away. Other policies may be.
 */
final class Lanes {

  private record Lane(String queue, String type, int priority, int requirement) {}

  /** A policy that was there so long ago is looked up again. */
  private static final long POLICIES_KNOWN_NS = TimeUnit.SECONDS.toNanos(10);

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

  private static final String ADD =
      """
      insert into lane (queue, type, priority, requirement)
      values (?, ?, ?, ?)
      on conflict do nothing
      """;

  private static final String NUMBER =
      """
      select id from lane where queue = ? and type = ? and priority = ? and requirement = ?
      """;

  private final Db db;
  private final Requirements requirements;
  private final Map<Lane, Integer> numbers = new ConcurrentHashMap<>();
  private final Set<String> queues = ConcurrentHashMap.newKeySet();
  private final Set<String> retryPolicies = ConcurrentHashMap.newKeySet();
  private final LongSupplier nanos;
  private volatile long policiesReadNs;

  /**
   * Over a database.
   *
   * @param nanos a ticker
   */
  Lanes(Db db, LongSupplier nanos) {
    this.db = db;
    this.requirements = new Requirements(db);
    this.nanos = nanos;
    forgetPolicies();
  }

  /** Policies are looked up anew; the built-in ones are always there. */
  void forgetPolicies() {
    retryPolicies.retainAll(BUILT_IN);
    retryPolicies.addAll(BUILT_IN);
    policiesReadNs = nanos.getAsLong();
  }

  /**
   * Checks the names of drafts.
   *
   * @throws UnknownName if a queue or a retry policy does not exist
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
    if (nanos.getAsLong() - policiesReadNs > POLICIES_KNOWN_NS) {
      forgetPolicies();
    }
    check(
        "retry",
        "retry policy",
        RETRY_POLICIES,
        retryPolicies,
        drafts,
        TaskDraft::retry,
        "; './batchyard retry-policy %s --create' makes it");
  }

  /**
   * {@return the number of a draft's lane, made if it is new}
   *
   * @throws dev.batchyard.engine.port.InvalidParameters if it requires something new, and there are
   *     too many different requirements
   */
  int number(TaskDraft draft) {
    return numbers.computeIfAbsent(
        new Lane(
            draft.queue(),
            draft.type(),
            draft.priority(),
            requirements.number(draft.requirement())),
        this::read);
  }

  private int read(Lane lane) {
    // the insert uses up an id and writes even if the lane exists: so look first
    List<Integer> found = find(lane);
    if (found.isEmpty()) {
      var _ = db.update(ADD, lane.queue(), lane.type(), lane.priority(), lane.requirement());
      found = find(lane);
    }
    return found.getFirst();
  }

  private List<Integer> find(Lane lane) {
    return db.query(
        NUMBER,
        r -> r.getInt("id"),
        lane.queue(),
        lane.type(),
        lane.priority(),
        lane.requirement());
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
