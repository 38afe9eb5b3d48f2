package dev.batchyard.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.bench.queue.QueueSystem;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Test;

class LatenciesTest {

  @Test
  void a_percentile_is_a_value_that_was_measured() {
    double[] sorted = new double[1_000];
    for (int i = 0; i < sorted.length; i++) {
      sorted[i] = i + 1;
    }
    assertThat(Latencies.percentile(sorted, 0.5)).isEqualTo(500);
    assertThat(Latencies.percentile(sorted, 0.99)).isEqualTo(990);
    assertThat(Latencies.percentile(sorted, 0.999)).isEqualTo(999);
    assertThat(Latencies.percentile(new double[] {7}, 0.999)).isEqualTo(7);
  }

  @Test
  void some_of_them_can_be_told_apart() throws Exception {
    Latencies latencies = new Latencies(1_000, 3);
    latencies.submit(new Nothing());
    long ns = System.nanoTime();
    Map<Long, Long> startedNs = Map.of(1L, ns, 2L, ns + 5_000_000, 3L, ns);
    double[] all_ms = latencies.await(startedNs);
    assertThat(all_ms).hasSize(3).isSorted();
    assertThat(latencies.took_ms(startedNs, 2, 2)).containsExactly(all_ms[2]);
  }

  @Test
  void a_submit_that_stalls_shows_in_those_behind_it() throws Exception {
    long stall_ns = 50_000_000;
    Latencies latencies = new Latencies(1_000, 3);
    Map<Long, Long> startedNs = new HashMap<>();
    latencies.submit(
        new Nothing() {
          @Override
          public void submitOne(long n) {
            Latencies.until(System.nanoTime() + (n == 1 ? stall_ns : 0));
            startedNs.put(n, System.nanoTime());
          }
        });
    double[] all_ms = latencies.await(startedNs);
    assertThat(all_ms[0]).as("the third was due 2 ms after the first").isBetween(47.5, 1_000.0);
  }

  private static class Nothing implements QueueSystem {

    @Override
    public String name() {
      return "nothing";
    }

    @Override
    public String settings() {
      return "";
    }

    @Override
    public void create() {}

    @Override
    public void submit(int count) {}

    @Override
    public void submitOne(long n) {}

    @Override
    public AutoCloseable work(LongConsumer started) {
      return () -> {};
    }

    @Override
    public long ended() {
      return 0;
    }

    @Override
    public void close() {}
  }
}
