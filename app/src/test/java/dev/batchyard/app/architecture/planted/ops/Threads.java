package dev.batchyard.app.architecture.planted.ops;

import java.util.Timer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

final class Threads {
  private Threads() {}

  static Thread makes_one(Runnable work) {
    return new Thread(work);
  }

  static Function<Runnable, Thread> makes_one_by_reference() {
    return Thread::new;
  }

  static Thread makes_a_platform_thread(Runnable work) {
    return Thread.ofPlatform().unstarted(work);
  }

  static Thread makes_a_virtual_thread(Runnable work) {
    return Thread.ofVirtual().unstarted(work);
  }

  static Thread starts_a_virtual_thread(Runnable work) {
    return Thread.startVirtualThread(work);
  }

  static ExecutorService makes_a_pool() {
    return Executors.newFixedThreadPool(1);
  }

  static Supplier<ExecutorService> makes_a_pool_by_reference() {
    return Executors::newCachedThreadPool;
  }

  static ExecutorService makes_a_pool_by_hand() {
    return new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new ArrayBlockingQueue<>(1));
  }

  static ForkJoinPool makes_a_fork_join_pool() {
    return new ForkJoinPool();
  }

  static Timer makes_a_timer() {
    return new Timer();
  }

  static CompletableFuture<Void> uses_the_common_pool(Runnable work) {
    return CompletableFuture.runAsync(work);
  }
}
