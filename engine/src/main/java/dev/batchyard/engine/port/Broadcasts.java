package dev.batchyard.engine.port;

import java.time.Duration;
import java.util.List;

/** Gives one task to each node. */
public interface Broadcasts {

  /** The most nodes of one broadcast. */
  int NODES_MAX = 500;

  /**
   * A node that does not come for its task within this has it failed, unless the task says else.
   */
  Duration PATIENCE = Duration.ofMinutes(10);

  /**
   * Stores a task for each node that lives, is not cordoned and may run it, bound to the node's
   * name, durably, all or none. A node that dies before it began finds its task when it is back
   * under its name; if it does not come back, the task fails by its queue timeout.
   *
   * @param draft without keys and of no batch. Its queue timeout is {@link #PATIENCE} unless it has
   *     one
   * @throws InvalidParameters if no node may run it, there are more than {@link #NODES_MAX}, or it
   *     has what a broadcast does not take; nothing was stored
   * @throws UnknownName if its queue, retry policy or a pool does not exist
   */
  Sent submit(TaskDraft draft);

  /**
   * What was stored.
   *
   * @param batch of all of them, which ends when they have
   * @param tasks in order of the nodes' names
   */
  record Sent(long batch, List<OfNode> tasks) {
    public Sent {
      tasks = List.copyOf(tasks);
    }
  }

  /** The task of one node. */
  record OfNode(String node, long task) {}
}
