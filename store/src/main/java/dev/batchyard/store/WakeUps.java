package dev.batchyard.store;

import dev.batchyard.engine.port.StoreUnavailable;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the listening nodes that something is ready: the first time at once, then at most once in a
 * few milliseconds for the whole process. Only a hint, so a failure is passed over: nodes also look
 * by themselves. A statement of its own, since committing a NOTIFY takes a lock of the whole
 * server. A node in this process is told directly, without the way over the server.
 */
final class WakeUps {

  static final String CHANNEL = "batchyard_wake";

  private static final Logger LOG = LoggerFactory.getLogger(WakeUps.class);
  private static final Duration APART = Duration.ofMillis(4);

  // a NOTIFY is given a transaction id, and so a commit that would wait for the disk: but a hint is
  // worth nothing after a crash
  private static final String NOTIFY =
      """
      select set_config('synchronous_commit', 'off', true), pg_notify(?, '')
      """;

  private final Db db;
  private final Executor later;
  private final LocalNodes here;
  private final AtomicBoolean quiet = new AtomicBoolean(true);
  private final AtomicBoolean wanted = new AtomicBoolean();

  WakeUps(Db db, StoreClock clock, LocalNodes here) {
    this.db = db;
    this.here = here;
    this.later = clock.after(APART);
  }

  /** Wakes them now, or within a few milliseconds if others have just been. */
  void wake() {
    wanted.set(true);
    if (quiet.compareAndSet(true, false)) {
      send();
    }
  }

  private void send() {
    wanted.set(false);
    here.wake();
    try {
      db.execute(NOTIFY, CHANNEL);
    } catch (StoreUnavailable | StatementFailed e) {
      LOG.debug("a wake-up was not sent: {}", e.getMessage());
    }
    later.execute(this::endPause);
  }

  private void endPause() {
    if (wanted.get()) {
      send();
      return;
    }
    quiet.set(true);
    // a wish may have come between the look and the line above
    if (wanted.get() && quiet.compareAndSet(true, false)) {
      send();
    }
  }
}
