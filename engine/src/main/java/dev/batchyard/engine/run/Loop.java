package dev.batchyard.engine.run;

import dev.batchyard.engine.port.NameTaken;
import dev.batchyard.engine.port.SessionLost;
import dev.batchyard.engine.port.StoreUnavailable;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A named thread that repeats one step until it is stopped. A step that fails is tried again after
 * a pause that doubles up to two seconds; an outage of the store is one log line when it begins and
 * one when it ends.
 */
final class Loop {

  /** One round; it waits by itself when there is nothing to do. */
  @FunctionalInterface
  interface Step {
    void runOnce() throws InterruptedException;

    /**
     * {@return whether the step that has just failed had worked before: its failure is a new one}
     */
    default boolean hadWorked() {
      return false;
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(Loop.class);
  private static final Duration PAUSE_MIN = Duration.ofMillis(50);
  private static final Duration PAUSE_MAX = Duration.ofSeconds(2);

  private final Step step;
  private final Thread thread;
  private final Signal stop = new Signal();
  private volatile boolean stopped;

  Loop(String name, Step step) {
    this.step = step;
    this.thread = Thread.ofPlatform().name("batchyard-" + name).daemon().unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Ends after the running step; interrupts its waiting. */
  void stop() {
    stopped = true;
    stop.raise();
    thread.interrupt();
  }

  void join(Duration most) throws InterruptedException {
    thread.join(most);
  }

  private void run() {
    Duration pause = PAUSE_MIN;
    boolean failing = false;
    while (!stopped) {
      try {
        step.runOnce();
        if (failing) {
          LOG.info("{}: works again", thread.getName());
        }
        failing = false;
        pause = PAUSE_MIN;
      } catch (InterruptedException e) {
        // only stop() interrupts a loop; the flag ends it
      } catch (RuntimeException | Error e) {
        if (step.hadWorked()) {
          failing = false;
          pause = PAUSE_MIN;
        }
        if (!failing) {
          report(e);
        }
        failing = true;
        pause(pause);
        pause = pause.multipliedBy(2).compareTo(PAUSE_MAX) > 0 ? PAUSE_MAX : pause.multipliedBy(2);
      }
    }
  }

  private void report(Throwable e) {
    if (stopped) {
      return;
    }
    if (e instanceof StoreUnavailable || e instanceof SessionLost || e instanceof NameTaken) {
      LOG.warn("{}: {}; trying again", thread.getName(), e.getMessage());
    } else {
      LOG.error("{}: unexpected; trying again", thread.getName(), e);
    }
  }

  private void pause(Duration pause) {
    try {
      boolean _ = stop.await(pause);
    } catch (InterruptedException e) {
      // as above
    }
  }
}
