package dev.batchyard.engine.port;

import java.util.Optional;

/** A node of the process that submits. Called by any thread. */
public interface LocalNode {

  /** Something may be ready: it looks soon. Does not wait. */
  void wake();

  /**
   * Submits a task that the node begins at once, if it has nothing else to do.
   *
   * @param draft as {@link Arrivals#submit} takes it
   * @return the answer, durable; empty if the node does not take it, and nothing was stored
   * @throws UnknownName if it names a queue or a retry policy that does not exist
   * @throws StoreUnavailable if nobody knows whether it was stored
   */
  Optional<Submitted> arrive(TaskDraft draft);
}
