package dev.batchyard.engine.placement;

/**
 * How loaded a node is.
 *
 * @param use of its machine
 * @param tasks the share of its slots that are taken, over the last few beats
 */
public record NodeLoad(MachineUse use, double tasks) {

  private static final double CPU_WEIGHT = 0.4;
  private static final double MEMORY_WEIGHT = 0.4;
  private static final double TASKS_WEIGHT = 0.2;

  public NodeLoad {
    MachineUse.requireShare("tasks", tasks);
  }

  /** {@return 0.4 · cpu + 0.4 · memory + 0.2 · tasks, from 0 (idle) to 1} */
  public double score() {
    return CPU_WEIGHT * use.cpu() + MEMORY_WEIGHT * use.memory() + TASKS_WEIGHT * tasks;
  }
}
