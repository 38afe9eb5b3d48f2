package dev.batchyard.app.architecture.planted.engine.run;

import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

public final class Waits {
  private Waits() {}

  static long takes_the_ticker() {
    return System.nanoTime();
  }

  static LongSupplier takes_the_ticker_by_reference() {
    return System::nanoTime;
  }

  static UUID takes_an_id() {
    return UUID.randomUUID();
  }

  static RandomGenerator takes_chance() {
    return new SplittableRandom();
  }

  static void parks() {
    LockSupport.parkNanos(1);
  }

  static void joins(Thread other) throws InterruptedException {
    other.join();
  }

  static Thread starts_a_thread(Runnable work) {
    return Thread.startVirtualThread(work);
  }

  static ReentrantLock makes_a_lock() {
    return new ReentrantLock();
  }

  static BlockingQueue<String> makes_a_queue() {
    return new LinkedBlockingQueue<>();
  }

  static CountDownLatch makes_a_latch() {
    return new CountDownLatch(1);
  }

  static Semaphore makes_a_semaphore() {
    return new Semaphore(1);
  }
}
