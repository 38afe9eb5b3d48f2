package dev.batchyard.engine.port;

/** What the store needs done now and then; any node may do it, at any time, more than once. */
public interface Upkeep {

  /** Makes the partitions that will be needed soon and drops logs beyond their retention. */
  void runOnce();

  /**
   * Does one short step towards deleting what is older than its retention; {@return whether there
   * is another to do soon} By one thread at a time.
   */
  boolean prune();

  /**
   * Does one step of the looks of a {@link Doctor}, if it is time for one and no other node is at
   * it; {@return whether there is another to do soon} What they find that was not known is logged.
   * By one thread at a time.
   */
  boolean examine();

  /** Gathers what many small statements have noted; cheap, to be called every few seconds. */
  void rollUp();
}
