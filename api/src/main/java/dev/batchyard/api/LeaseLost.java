package dev.batchyard.api;

/**
 * This attempt no longer owns its task: another node has it, or a person moved it. Nothing was
 * written. A handler lets it fly; the engine drops the attempt and counts a refused write.
 */
public final class LeaseLost extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long task;

  public LeaseLost(long task) {
    super("task " + task + ": the lease of this attempt is lost; nothing was written");
    this.task = task;
  }

  public LeaseLost(long task, Throwable cause) {
    super("task " + task + ": the lease of this attempt is lost; nothing was written", cause);
    this.task = task;
  }

  /** {@return the task that is no longer ours} */
  public long task() {
    return task;
  }
}
