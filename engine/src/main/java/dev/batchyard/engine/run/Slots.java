package dev.batchyard.engine.run;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The node's slots and the line before them. An attempt that leaves its slot hands it to the next
 * in line itself, so that no other thread has to wake up for it. Thread-safe.
 */
final class Slots {

  private final int size;
  private final ArrayDeque<Attempt> waiting = new ArrayDeque<>();
  private int running;

  Slots(int size) {
    this.size = size;
  }

  /** {@return whether it may start at once} If not, it waits for {@link #leave} of another. */
  synchronized boolean enter(Attempt attempt) {
    if (running < size) {
      running++;
      attempt.takeSlot();
      return true;
    }
    waiting.add(attempt);
    return false;
  }

  /**
   * Frees the slot of an attempt, if it holds one: one that was abandoned in the line never did.
   * {@return the attempt that has the slot now, to be started by the caller}
   */
  synchronized Optional<Attempt> leave(Attempt attempt) {
    if (!attempt.giveSlot()) {
      return Optional.empty();
    }
    Attempt next = waiting.poll();
    if (next == null) {
      running--;
    } else {
      next.takeSlot();
    }
    return Optional.ofNullable(next);
  }

  /** Takes those that wait out of the line, if the first has waited since before this instant. */
  synchronized List<Attempt> withdrawSince(long claimedBeforeNs) {
    Attempt first = waiting.peek();
    if (first == null || first.claimedNs() - claimedBeforeNs > 0) {
      return List.of();
    }
    List<Attempt> all = new ArrayList<>(waiting);
    waiting.clear();
    return all;
  }

  synchronized int running() {
    return running;
  }

  synchronized int waiting() {
    return waiting.size();
  }

  /** {@return slots that nobody holds or waits for} */
  synchronized int free() {
    return size - running;
  }

  int size() {
    return size;
  }
}
