package dev.batchyard.engine.port;

/** Ends tasks that do not run and have passed a limit; those that run are ended by their nodes. */
public interface Expiries {

  /** The most tasks in one call. */
  int PAGE_MAX = 500;

  /**
   * Looks at one page of tasks whose limits may have passed and fails those that wait, are paused
   * or blocked. Level-triggered: what is missed once is found again. Any number of nodes may call
   * it at once.
   *
   * @return how many tasks it looked at; {@link #PAGE_MAX} when there may be more
   */
  int expire();
}
