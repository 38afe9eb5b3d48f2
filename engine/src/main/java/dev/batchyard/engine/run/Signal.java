package dev.batchyard.engine.run;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/** Something may have changed: raised by many, awaited by one. A raise is never lost. */
final class Signal {

  private final Lock lock;
  private final Condition raisedCondition;
  private volatile boolean raised;

  Signal(Threads threads) {
    this.lock = threads.newLock();
    this.raisedCondition = lock.newCondition();
  }

  void raise() {
    if (raised) {
      return; // the one who awaits has not taken the last one yet, and will look after it has
    }
    lock.lock();
    try {
      raised = true;
      raisedCondition.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** {@return whether the one who awaits has a raise to take} */
  boolean isRaised() {
    return raised;
  }

  /** Waits for the next raise, at most this long, and takes it; {@return whether it came} */
  boolean await(Duration most) throws InterruptedException {
    long left = most.toNanos();
    lock.lock();
    try {
      while (!raised && left > 0) {
        left = raisedCondition.awaitNanos(left);
      }
      boolean came = raised;
      raised = false;
      return came;
    } finally {
      lock.unlock();
    }
  }
}
