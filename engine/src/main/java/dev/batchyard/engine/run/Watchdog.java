package dev.batchyard.engine.run;

import dev.batchyard.engine.task.StopReason;
import java.time.Duration;

/**
 * Looks after attempts without ever touching the store, so that an outage cannot hold it up: aborts
 * those whose lease is in doubt or lost, asks those to stop whose time is up, interrupts those that
 * ignore this or a cancel, and at last abandons them all. Starts those elsewhere that do not get a
 * thread. Five looks in a beat; one while nothing has been held for two beats, until something is.
 */
final class Watchdog implements Loop.Step {

  private static final int LOOKS_A_BEAT = 5;
  private static final int REST_AFTER = 2 * LOOKS_A_BEAT;

  private final EngineConfig config;
  private final Attempts attempts;
  private final Signal never;
  private int inVain;

  Watchdog(EngineConfig config, Attempts attempts, Threads threads) {
    this.config = config;
    this.attempts = attempts;
    this.never = new Signal(threads);
  }

  @Override
  public void runOnce() throws InterruptedException {
    for (Attempt attempt : attempts.held()) {
      if (!attempt.hasEnded()) {
        look(attempt);
      }
    }
    inVain = attempts.takeHeldAny() ? 0 : inVain + 1;
    if (inVain > REST_AFTER) {
      attempts.awaitFirst(config.beat());
    } else {
      boolean _ = never.await(config.beat().dividedBy(LOOKS_A_BEAT));
    }
  }

  private void look(Attempt attempt) {
    if (attempt.isStranded()) {
      attempts.startElsewhere(attempt);
    }
    if (attempt.boot().inDoubt()) {
      attempt.ask(StopReason.LEASE_LOST);
    }
    attempt.askIfOvertime();
    switch (attempt.stop()) {
      case LEASE_LOST -> press(attempt, Duration.ZERO);
      case ATTEMPT_TIMEOUT, TOTAL_TIMEOUT, DEADLINE, CANCEL ->
          press(attempt, config.interruptAfter());
      case NONE, NODE_STOPS, PAUSE -> {}
    }
  }

  private void press(Attempt attempt, Duration interruptAfter) {
    Duration asked = attempt.askedFor();
    if (asked.compareTo(interruptAfter) >= 0) {
      attempt.interrupt();
    }
    if (asked.compareTo(config.abandonAfter()) > 0) {
      attempts.abandon(attempt);
    }
  }
}
