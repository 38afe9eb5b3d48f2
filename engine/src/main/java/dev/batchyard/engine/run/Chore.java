package dev.batchyard.engine.run;

import dev.batchyard.engine.port.StoreUnavailable;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One of several things that a thread does in turn. It may fail again and again, which is reported
 * once, and keeps the others from nothing. By one thread.
 */
final class Chore {

  private static final Logger LOG = LoggerFactory.getLogger(Chore.class);

  private final String name;
  private final Runnable work;
  private boolean failing;

  Chore(String name, Runnable work) {
    this.name = name;
    this.work = work;
  }

  /**
   * Does it once. {@return the store's absence, if it met that} It concerns them all and is the
   * caller's to report.
   */
  Optional<StoreUnavailable> run() {
    try {
      work.run();
      if (failing) {
        LOG.info("upkeep, {}: works again", name);
      }
      failing = false;
      return Optional.empty();
    } catch (StoreUnavailable e) {
      return Optional.of(e);
    } catch (RuntimeException e) { // whatever it is, it will be tried again
      if (!failing) {
        LOG.error("upkeep, {}: unexpected; trying again", name, e);
      }
      failing = true;
      return Optional.empty();
    }
  }
}
