package dev.batchyard.engine.run;

import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.placement.NodeLoad;
import dev.batchyard.engine.port.NodeMetrics;
import dev.batchyard.engine.port.NodePulse;
import java.util.Optional;

/**
 * Looks at the machine once a beat, on a thread of its own: a file system that does not answer must
 * not hold up a beat. What changes from moment to moment, the use of processors and slots, is told
 * as a mean in which the newest look counts for a quarter.
 */
final class MachineLoop implements Loop.Step {

  private static final double WEIGHT = 0.25;

  private final EngineConfig config;
  private final NodeMetrics metrics;
  private final Signal never;
  private volatile Optional<MachineUse> use = Optional.empty();
  private double tasks;

  MachineLoop(EngineConfig config, NodeMetrics metrics, Threads threads) {
    this.config = config;
    this.metrics = metrics;
    this.never = new Signal(threads);
  }

  @Override
  public void runOnce() throws InterruptedException {
    Optional<MachineUse> before = use;
    use =
        metrics
            .measure()
            .map(now ->
                new MachineUse(
                    before.map(was -> mean(was.cpu(), now.cpu())).orElse(now.cpu()),
                    now.memory(),
                    now.disk()));
    boolean _ = never.await(config.beat());
  }

  /** {@return the use at the last look} */
  Optional<MachineUse> use() {
    return use;
  }

  /**
   * {@return how the node is} Called once a beat, by one thread.
   *
   * @param running how many attempts have a slot
   */
  NodePulse pulse(int running) {
    tasks = mean(tasks, Math.min(1.0, (double) running / config.slots()));
    return new NodePulse(use.map(now -> new NodeLoad(now, tasks)), running);
  }

  private static double mean(double was, double now) {
    return was + WEIGHT * (now - was);
  }
}
