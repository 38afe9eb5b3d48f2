package dev.batchyard.engine.run;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Handlers that were given up and go on all the same. No thread can be ended from outside, so what
 * they take of the processors and of memory comes back only when the process ends. Thread-safe.
 */
final class Leaks {

  /** With so many at once, the node is worn out. */
  static final int MAX = 8;

  private static final Logger LOG = LoggerFactory.getLogger(Leaks.class);

  private final Set<Attempt> going = ConcurrentHashMap.newKeySet();
  private Runnable wornOut = () -> {};
  private boolean told;

  /** Its handler has been given up. */
  void add(Attempt attempt) {
    going.add(attempt);
    if (attempt.hasReturned()) {
      going.remove(attempt);
      return;
    }
    LOG.warn(
        "task {}: its handler does not stop and is given up; its thread goes on, {} of {} that this node bears",
        attempt.claim().task(),
        going.size(),
        MAX);
    tell();
  }

  /** Its handler has returned, perhaps long after it was given up. */
  void returned(Attempt attempt) {
    going.remove(attempt);
  }

  /** Has someone told, once, that the node is worn out. */
  synchronized void onWornOut(Runnable listener) {
    wornOut = listener;
    tell();
  }

  private synchronized void tell() {
    if (!told && going.size() >= MAX) {
      told = true;
      wornOut.run();
    }
  }
}
