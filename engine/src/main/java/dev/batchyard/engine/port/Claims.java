package dev.batchyard.engine.port;

import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Gives ready tasks to nodes. */
public interface Claims {

  /** The most tasks in one claim. */
  int BATCH_MAX = 500;

  /**
   * Leases ready tasks of one lane, the one whose head is due first by {@code due + priority × age
   * step}, to a node that is not fenced. Tasks of a type are taken only up to its lease size.
   *
   * @param boot the claiming node
   * @param token drawn before sending: a claim whose answer was lost can be recognised by it
   * @param leaseMaxByType what this node can run, and how many of each one claim may hold
   * @param free the most tasks wanted, at most {@link #BATCH_MAX}
   * @param idle whether nothing runs on the node, so that a suspect may
   * @return what is now ours, in id order; empty when nothing is ready
   */
  List<Claim> claim(
      UUID boot, UUID token, Map<String, Integer> leaseMaxByType, int free, boolean idle);

  /**
   * Releases, uncharged, leases of this boot that it does not hold in memory: claims whose answer
   * was lost.
   *
   * @param held the leases that it does hold
   * @return how many tasks went back
   */
  int releaseUnheld(UUID boot, java.util.Set<Long> held);
}
