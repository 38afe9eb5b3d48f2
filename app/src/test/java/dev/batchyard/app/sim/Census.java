package dev.batchyard.app.sim;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.app.sim.Links.Link;
import dev.batchyard.engine.port.Claim;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * What the simulation itself knows of boots and attempts, and what must hold of them at every
 * moment. It sees what the store did at the instant at which it did it.
 */
final class Census {

  static final String ATTEMPTS_INCREASE = "attempts of a task increase";
  static final String TOKENS_ARE_FRESH = "a token belongs to one claim";
  static final String CLAIMS_KEEP_TO_LIMIT = "no more is claimed than was asked for";
  static final String HANDLER_RUNS_ONCE = "an attempt runs its handler once";
  static final String ATTEMPTS_ONE_AT_A_TIME =
      "two attempts of a task run at once only if a lease was lost";
  static final String SUSPECTS_RUN_ALONE = "a suspect runs alone";
  static final String FENCED_RIGHTLY = "a node is fenced only when it may be";
  static final String FENCED_STAYS_FENCED = "a fenced node renews nothing";
  static final String PAUSED_QUEUES_REST = "nothing of a paused queue is claimed";

  private final World world;
  private final Links links;
  private final Map<UUID, Long> renewedNs = new HashMap<>();
  private final Map<Life, List<Link>> linksByLife = new HashMap<>();
  private final Map<Long, Integer> attempts = new HashMap<>();
  private final Map<UUID, UUID> boots = new HashMap<>();
  private final Set<LeaseToken> alone = new HashSet<>();
  private final Set<LeaseToken> begun = new HashSet<>();
  private final Set<LeaseToken> over = new HashSet<>();
  private final Map<Life, Set<LeaseToken>> running = new LinkedHashMap<>();
  private final Map<UUID, Long> fencedNs = new HashMap<>();
  private long outageFromNs = -1;
  private long outageToNs = -1;

  Census(World world, Links links) {
    this.world = world;
    this.links = links;
  }

  static String name(UUID boot) {
    return boot.toString().substring(0, 8);
  }

  /** The store took a beat, or a session. */
  void renewed(UUID boot, long nowNs) {
    if (fencedNs.containsKey(boot)) {
      world.violated(FENCED_STAYS_FENCED, "boot " + name(boot));
    }
    renewedNs.put(boot, nowNs);
  }

  void opened(Life life, Link link) {
    linksByLife.computeIfAbsent(life, l -> new ArrayList<>()).add(link);
  }

  /** {@return the links of a process that stand} */
  List<Link> linksOf(Life life) {
    return linksByLife.getOrDefault(life, List.of()).stream().filter(l -> !l.isOver()).toList();
  }

  void outage(long nowNs) {
    outageFromNs = nowNs;
    outageToNs = Long.MAX_VALUE;
  }

  void outageOver(long nowNs) {
    outageToNs = Math.min(outageToNs, nowNs);
  }

  /** The store gave tasks away. */
  void claimed(UUID boot, UUID token, int free, List<Claim> claims) {
    if (claims.isEmpty()) {
      return;
    }
    if (boots.putIfAbsent(token, boot) != null) {
      world.violated(TOKENS_ARE_FRESH, token + " was given " + claims);
    }
    if (claims.size() > free) {
      world.violated(CLAIMS_KEEP_TO_LIMIT, claims.size() + " of " + free);
    }
    for (Claim claim : claims) {
      int attempt = claim.counters().attempt();
      Integer before = attempts.put(claim.task(), attempt);
      if (before != null && before >= attempt) {
        world.violated(
            ATTEMPTS_INCREASE,
            "task %d: %d came after %d".formatted(claim.task(), attempt, before));
      }
      if (claim.alone()) {
        alone.add(new LeaseToken(claim.task(), attempt, token));
      }
    }
  }

  /**
   * A handler was called.
   *
   * @param stands whether an attempt holds its lease: one that does not is a leak, and no company
   * @param fenced whether a boot is
   */
  void begun(Life life, LeaseToken attempt, Predicate<LeaseToken> stands, Predicate<UUID> fenced) {
    requireOneAtATime(life, attempt, fenced);
    Set<LeaseToken> all = running.computeIfAbsent(life, l -> new LinkedHashSet<>());
    if (!begun.add(attempt)) {
      world.violated(HANDLER_RUNS_ONCE, attempt.toString());
    }
    List<LeaseToken> beside =
        all.stream()
            .filter(other -> alone.contains(attempt) || alone.contains(other))
            .filter(other -> !over.contains(other) && stands.test(other))
            .toList();
    if (!beside.isEmpty() && stands.test(attempt)) {
      world.violated(SUSPECTS_RUN_ALONE, attempt + " runs beside " + beside + " on " + life.name);
    }
    all.add(attempt);
  }

  /**
   * The handler of an earlier attempt may go on only where nobody can know it: on a node that was
   * fenced, or if it was given up and does not obey.
   */
  private void requireOneAtATime(Life life, LeaseToken attempt, Predicate<UUID> fenced) {
    running.forEach((where, all) ->
        all.stream()
            .filter(other -> other.task() == attempt.task() && !where.isDead())
            .filter(other -> !over.contains(other) && !isLost(other, fenced))
            .filter(other -> !isLost(attempt, fenced))
            .forEach(other ->
                world.violated(
                    ATTEMPTS_ONE_AT_A_TIME,
                    "%s on %s beside %s on %s".formatted(attempt, life.name, other, where.name))));
  }

  private boolean isLost(LeaseToken attempt, Predicate<UUID> fenced) {
    return fenced.test(Objects.requireNonNull(boots.get(attempt.token())));
  }

  /** A node tells the end of an attempt; if its handler does not obey and goes on, it is a leak. */
  void told(Claim claim) {
    over.add(new LeaseToken(claim.task(), claim.counters().attempt(), claim.token()));
  }

  /** A handler has ended. */
  void over(Life life, LeaseToken lease) {
    var _ = running.getOrDefault(life, new HashSet<>()).remove(lease);
  }

  /** A boot was seen to be fenced; told of each again and again. */
  void fenced(UUID boot, long atNs, String why) {
    if (fencedNs.putIfAbsent(boot, atNs) != null) {
      return;
    }
    world.trace.add(world, "boot " + name(boot) + " is fenced: " + why);
    long renewed = renewedNs.getOrDefault(boot, 0L);
    long freeSince = links.freeSinceNs(boot).orElse(Long.MAX_VALUE);
    long slack = Duration.ofMillis(1).toNanos();
    if (renewed > atNs + slack) {
      world.violated(FENCED_STAYS_FENCED, "boot " + name(boot) + " renewed its lease after that");
      return;
    }
    boolean byOthers = why.startsWith("its lease") || why.startsWith("its session");
    if (byOthers
        && outageFromNs >= 0
        && atNs >= outageFromNs
        && atNs - World.LEASE.toNanos() < outageToNs) {
      world.violated(FENCED_RIGHTLY, "boot " + name(boot) + " within a lease after an outage");
    }
    if (why.startsWith("its lease") && atNs + slack < renewed + World.LEASE.toNanos()) {
      world.violated(
          FENCED_RIGHTLY,
          "boot " + name(boot) + " renewed its lease " + (atNs - renewed) + " ns before");
    }
    if (why.startsWith("its session")
        && (freeSince == Long.MAX_VALUE
            || atNs + slack < freeSince + Duration.ofSeconds(1).toNanos())) {
      world.violated(
          FENCED_RIGHTLY, "boot " + name(boot) + " held its lock within a second before");
    }
    if (why.startsWith("its process") && freeSince == Long.MAX_VALUE) {
      world.violated(FENCED_RIGHTLY, "boot " + name(boot) + " holds its lock");
    }
  }
}
