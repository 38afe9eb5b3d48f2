package dev.batchyard.bench;

import dev.batchyard.bench.queue.QueueSystem;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Submits tasks in bulk at a steady rate until it is closed. */
final class SteadyStream implements AutoCloseable {

  private static final int PER_CALL = 500;

  private final QueueSystem queue;
  private final double perS;
  private final Thread thread = Thread.ofPlatform().name("stream").unstarted(this::run);
  private final List<Exception> failures = new ArrayList<>();
  private final long fromNs = System.nanoTime();
  private final AtomicLong submitted = new AtomicLong();
  private volatile boolean stopped;

  SteadyStream(QueueSystem queue, double perS) {
    this.queue = queue;
    this.perS = perS;
    thread.start();
  }

  private void run() {
    try {
      while (!stopped) {
        Latencies.until(fromNs + (long) (submitted.get() / perS * 1e9));
        queue.submit(PER_CALL);
        submitted.addAndGet(PER_CALL);
      }
    } catch (Exception e) {
      failures.add(e);
    }
  }

  /** {@return tasks per second so far} */
  double rate() {
    return submitted.get() / ((System.nanoTime() - fromNs) / 1e9);
  }

  /** Submits nothing more; {@return how many tasks it submitted} */
  long stop() throws InterruptedException {
    stopped = true;
    thread.join();
    return submitted.get();
  }

  @Override
  public void close() throws IOException, InterruptedException {
    var _ = stop();
    if (!failures.isEmpty()) {
      throw new IOException("the stream broke off", failures.getFirst());
    }
  }
}
