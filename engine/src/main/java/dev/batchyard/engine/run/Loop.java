package dev.batchyard.engine.run;

import dev.batchyard.engine.port.NameTaken;
import dev.batchyard.engine.port.SessionLost;
import dev.batchyard.engine.port.StoreUnavailable;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
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

  private final String name;
  private final Step step;
  private final Threads threads;
  private final Signal stop;
  private volatile Threads.@Nullable Running running;
  private volatile boolean stopped;

  Loop(String name, Step step, Threads threads) {
    this.name = "batchyard-" + name;
    this.step = step;
    this.threads = threads;
    this.stop = new Signal(threads);
  }

  void start() {
    running = threads.startLoop(name, this::run);
  }

  /** Ends after the running step; interrupts its waiting. */
  void stop() {
    stopped = true;
    stop.raise();
    started().interrupt();
  }

  void join(Duration most) throws InterruptedException {
    started().join(most);
  }

  private Threads.Running started() {
    return Objects.requireNonNull(running, name);
  }

  private void run() {
    Duration pause = PAUSE_MIN;
    boolean failing = false;
    while (!stopped) {
      try {
        step.runOnce();
        if (failing) {
          LOG.info("{}: works again", name);
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
      LOG.warn("{}: {}; trying again", name, e.getMessage());
    } else {
      LOG.error("{}: unexpected; trying again", name, e);
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
