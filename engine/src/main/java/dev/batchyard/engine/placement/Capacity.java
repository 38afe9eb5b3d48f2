package dev.batchyard.engine.placement;

/**
 * What a machine gives to a node, within the limits of its container.
 *
 * @param cores processors
 * @param memoryMib memory in MiB
 * @param diskMib the file system of the data folder in MiB, used or not
 */
public record Capacity(int cores, long memoryMib, long diskMib) {

  /** Of a machine that nobody has looked at. */
  public static final Capacity UNKNOWN = new Capacity(0, 0, 0);

  public Capacity {
    if (Math.min(cores, Math.min(memoryMib, diskMib)) < 0) {
      throw new IllegalArgumentException(
          "cores %d, memory %d, disk %d: none may be below 0".formatted(cores, memoryMib, diskMib));
    }
  }
}
