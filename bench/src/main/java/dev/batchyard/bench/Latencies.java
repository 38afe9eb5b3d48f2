package dev.batchyard.bench;

import dev.batchyard.bench.queue.QueueSystem;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/**
 * Tasks submitted one by one at a steady rate, and how long each took to start from the instant at
 * which its submit was due: a submit that stalls also holds up those behind it, and they show it.
 */
final class Latencies {

  private static final long LAST_MAX_S = 30;

  private final long apartNs;
  private final int count;
  private final long[] dueNs;

  Latencies(int perS, int count) {
    this.apartNs = TimeUnit.SECONDS.toNanos(1) / perS;
    this.count = count;
    this.dueNs = new long[count + 1];
  }

  /** Submits them, by numbers from 1. */
  void submit(QueueSystem queue) throws Exception {
    long next = System.nanoTime();
    for (int n = 1; n <= count; n++) {
      until(next);
      dueNs[n] = next;
      queue.submitOne(n);
      next += apartNs;
    }
  }

  static void until(long ns) {
    for (long left = ns - System.nanoTime(); left > 0; left = ns - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  /**
   * {@return milliseconds from when each was due to be submitted to its start, sorted, when all
   * have started}
   */
  double[] await(Map<Long, Long> startedNs) throws IOException {
    long until_ns = System.nanoTime() + TimeUnit.SECONDS.toNanos(LAST_MAX_S);
    while (startedNs.size() < count) {
      if (System.nanoTime() > until_ns) {
        throw new IOException("%d tasks of %d started".formatted(startedNs.size(), count));
      }
      until(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(5));
    }
    return took_ms(startedNs, 1, count);
  }

  /** {@return those of the numbers from the first to the last of these, all of which started} */
  double[] took_ms(Map<Long, Long> startedNs, int first, int last) {
    return IntStream.rangeClosed(first, last)
        .mapToDouble(n -> (Objects.requireNonNull(startedNs.get((long) n)) - dueNs[n]) / 1e6)
        .sorted()
        .toArray();
  }

  /** {@return the value that this share of them does not exceed, by the nearest rank} */
  static double percentile(double[] sorted, double share) {
    return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
  }
}
