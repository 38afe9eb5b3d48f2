package dev.batchyard.engine.port;

/** What the store needs done now and then; any node may do it, at any time, more than once. */
public interface Upkeep {

  /** Makes the partitions that will be needed soon and drops logs beyond their retention. */
  void runOnce();

  /** Gathers what many small statements have noted; cheap, to be called every few seconds. */
  void rollUp();
}
