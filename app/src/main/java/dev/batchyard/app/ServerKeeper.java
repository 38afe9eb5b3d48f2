package dev.batchyard.app;

import dev.batchyard.store.server.CannotStart;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after the data folder's server every second, so that it comes back without anybody opening
 * a session. A look may take as long as PostgreSQL needs to recover, hence a thread of its own. A
 * look that fails is repeated for ever; the log has one line for each cause, not for each second.
 */
final class ServerKeeper implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ServerKeeper.class);
  private static final long BETWEEN_LOOKS_MS = 1_000;

  private final Runnable look;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("batchyard-server-keeper").daemon().factory());
  private Optional<String> trouble = Optional.empty();

  /**
   * Does nothing yet.
   *
   * @param look makes sure that the server runs and that this process knows its port
   */
  ServerKeeper(Runnable look) {
    this.look = look;
  }

  /** Looks for the first time in a second. */
  void start() {
    var _ =
        timer.scheduleWithFixedDelay(
            this::runOnce, BETWEEN_LOOKS_MS, BETWEEN_LOOKS_MS, TimeUnit.MILLISECONDS);
  }

  /** One look. It never throws, since a timer would not call again. */
  void runOnce() {
    try {
      look.run();
      if (trouble.isPresent()) {
        LOG.info("PostgreSQL runs again");
      }
      trouble = Optional.empty();
    } catch (RuntimeException e) {
      if (!timer.isShutdown()) {
        report(e);
      }
    }
  }

  private void report(RuntimeException e) {
    // process ids and ports differ from try to try; the cause is the same
    String cause = String.valueOf(e.getMessage()).replaceAll("\\d+", "");
    if (trouble.filter(cause::equals).isEmpty()) {
      if (e instanceof CannotStart) {
        LOG.warn("{}; trying again every second", e.getMessage());
      } else {
        LOG.error("unexpected; trying again every second", e);
      }
    }
    trouble = Optional.of(cause);
  }

  /** Looks no more; a look that has begun goes on to its end. */
  @Override
  public void close() {
    timer.shutdownNow();
  }
}
