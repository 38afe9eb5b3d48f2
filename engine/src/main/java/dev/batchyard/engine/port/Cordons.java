package dev.batchyard.engine.port;

/**
 * Nodes that a person keeps from claiming, by name: a cordon stays over restarts of its node until
 * it is lifted.
 */
public interface Cordons {

  /**
   * Lets a node claim nothing any more; what runs on it goes on. A claim that had begun before this
   * was committed may still start some. One that drains goes on claiming nothing, but is not asked
   * to hand over any more.
   *
   * @param by who, for people
   */
  Change cordon(String name, String by);

  /**
   * Cordons a node, and has its attempts hand over at their next checkpoints, uncharged.
   *
   * @param ends whether the node is to end when it holds nothing any more
   * @param by who, for people
   */
  Change drain(String name, boolean ends, String by);

  /** Lets it claim again, and wakes nodes. */
  Change uncordon(String name);

  /** What came of it. */
  enum Change {
    /** Done. */
    DONE,
    /** It was so already. */
    ALREADY,
    /** No node of this name lives, or ended within the last hour. */
    NOT_FOUND
  }
}
