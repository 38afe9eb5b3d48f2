package dev.batchyard.engine.placement;

/**
 * How much of a machine is in use, as shares from 0 to 1.
 *
 * @param cpu of its processors
 * @param memory of its memory; what it only keeps to read files faster is free
 * @param disk of the file system of the data folder
 */
public record MachineUse(double cpu, double memory, double disk) {
  public MachineUse {
    requireShare("cpu", cpu);
    requireShare("memory", memory);
    requireShare("disk", disk);
  }

  static void requireShare(String name, double share) {
    if (!(share >= 0 && share <= 1)) {
      throw new IllegalArgumentException(name + ": " + share + " is not from 0 to 1");
    }
  }
}
