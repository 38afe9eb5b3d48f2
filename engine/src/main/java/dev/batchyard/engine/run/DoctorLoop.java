package dev.batchyard.engine.run;

import dev.batchyard.engine.port.Upkeep;
import java.time.Duration;

/**
 * Takes the looks of the doctor, a step at a time, on a thread of its own: they may be slow, and
 * nothing waits for them. Idle, it asks once in sixty beats whether one is due.
 */
final class DoctorLoop implements Loop.Step {

  private static final int BEATS_IDLE = 60;

  private final Duration beat;
  private final Upkeep upkeep;
  private final Signal never;
  private boolean more;

  DoctorLoop(Duration beat, Upkeep upkeep, Threads threads) {
    this.beat = beat;
    this.upkeep = upkeep;
    this.never = new Signal(threads);
  }

  @Override
  public void runOnce() throws InterruptedException {
    boolean _ = never.await(more ? beat : beat.multipliedBy(BEATS_IDLE));
    more = false; // a step that fails is tried again when it is due
    more = upkeep.examine();
  }
}
