package dev.batchyard.engine.port;

import java.util.Optional;
import java.util.UUID;

/** Takes new tasks that a node of the same process is to begin at once. */
public interface Arrivals {

  /**
   * A new task.
   *
   * @param task its id
   * @param claim what the node needs to run it; empty if it waits for a claim as any other task
   */
  record Arrival(long task, Optional<Claim> claim) {}

  /**
   * Stores a task and leases it to a node, durably, in one statement: what begins so has waited for
   * the disk once. It is only stored, as by {@link Submissions}, if the node may not run it now: if
   * the node is fenced or cordoned, the queue is paused or not served by it, the task requires what
   * the node has not, or uses pools.
   *
   * @param boot the node
   * @param token drawn before sending, as for {@link Claims#claim}
   * @param draft without keys, batch, limits and due time
   * @throws UnknownName if it names a queue or a retry policy that does not exist
   * @throws StoreUnavailable if nobody knows whether it was stored, and leased
   */
  Arrival submit(UUID boot, UUID token, TaskDraft draft);
}
