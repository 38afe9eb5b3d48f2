package dev.batchyard.engine.port;

/** Takes tasks back from nodes that are no more. */
public interface Rescues {

  /** The most leases in one call. */
  int LEASES_MAX = 200;

  /**
   * Releases leases of fenced or absent boots, after ending the other database sessions of those
   * boots, so that a process frozen inside a transaction holds nothing. Level-triggered: called
   * again and again while beats say there is something to release.
   *
   * <p>A lease of many goes back in halves, uncharged. A task that was alone in its lease is
   * charged a crash unless it had committed progress under that lease, and is a suspect; at {@link
   * dev.batchyard.engine.task.Decisions#CRASHES_MAX} it is quarantined. Due times are kept. A
   * request to pause or cancel is carried out.
   *
   * @return how many tasks were released or quarantined
   */
  int rescue();
}
