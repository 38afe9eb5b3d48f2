package dev.batchyard.app.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * SIGTERM, SIGINT or SIGHUP, made into an orderly end: the JVM's shutdown waits until what was
 * running has been closed, at most as long as that may take.
 */
final class StopSignal implements AutoCloseable {

  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch closed = new CountDownLatch(1);

  private StopSignal() {}

  /**
   * Catches the signals from now on.
   *
   * @param most how long the process may take to end after one
   */
  static StopSignal caught(Duration most) {
    StopSignal signal = new StopSignal();
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .name("batchyard-stop")
                .unstarted(() -> {
                  signal.asked.countDown();
                  signal.awaitClosed(most);
                }));
    return signal;
  }

  /** Waits for a signal. */
  void await() throws InterruptedException {
    asked.await();
  }

  /** As if a signal had come. */
  void raise() {
    asked.countDown();
  }

  /** {@return whether a signal came} */
  boolean isRaised() {
    return asked.getCount() == 0;
  }

  private void awaitClosed(Duration most) {
    try {
      if (!closed.await(most.toMillis(), TimeUnit.MILLISECONDS)) {
        Runtime.getRuntime().halt(Exit.DEFECT.code());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** All is closed: the process may end. */
  @Override
  public void close() {
    closed.countDown();
  }
}
