package dev.batchyard.engine.port;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** Gives ready tasks to nodes. */
public interface Claims {

  /** The most tasks in one claim. */
  int BATCH_MAX = 500;

  /**
   * Leases ready tasks of one lane, the one whose head is due first by {@code due + priority × age
   * step}, to a node that is not fenced. Tasks that use pools are leased as far as all of their
   * pools have room, counted under the pools' locks; lanes of pools that have none are passed over.
   *
   * @param boot the claiming node
   * @param token drawn before sending: a claim whose answer was lost can be recognised by it
   * @param wantedByType what this node can run, and how many of each it wants now; a type with 0
   *     keeps its place: nothing that comes behind its head is taken before it
   * @param free the most tasks wanted, at most {@link #BATCH_MAX}
   * @param slots how many could start at once: tasks that use pools are never leased ahead, since
   *     they would use them while they wait
   * @param suspects whether one may come that is suspected of killing nodes: it comes as the only
   *     one of its claim
   * @param requirements looks only at tasks that require one of these, by number; empty for all
   *     that the node may run
   * @return what is now ours, in id order; empty when nothing is ready
   */
  List<Claim> claim(
      UUID boot,
      UUID token,
      Map<String, Integer> wantedByType,
      int free,
      int slots,
      boolean suspects,
      Set<Integer> requirements);

  /** Looks at all that the node may run, for who can start all that it wants at once. */
  default List<Claim> claim(
      UUID boot, UUID token, Map<String, Integer> wantedByType, int free, boolean suspects) {
    return claim(boot, token, wantedByType, free, free, suspects, Set.of());
  }

  /**
   * {@return after how long tasks that were passed over may start by time alone, as far as claims
   * have seen} Rates go on and budgets begin anew without anybody who tells it.
   */
  default Optional<Duration> again() {
    return Optional.empty();
  }

  /**
   * Releases, uncharged, the tasks in leases of this boot that it does not hold in memory: of
   * claims whose answer was lost, and of attempts that were dropped. What it holds beside them
   * stays.
   *
   * @param held the tasks that it does hold
   * @return how many tasks went back
   */
  int releaseUnheld(UUID boot, Set<Long> held);
}
