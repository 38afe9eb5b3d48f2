package dev.batchyard.web.dashboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SharedReadsTest {

  private final List<String> read = new ArrayList<>();
  private long nanos = Long.MAX_VALUE - 5;
  private long costMs = 1;

  private final SharedReads<String, Integer> reads =
      new SharedReads<>(
          key -> {
            read.add(key);
            pass(costMs);
            if (key.equals("broken")) {
              throw new IllegalStateException("broken");
            }
            return read.size();
          },
          () -> nanos);

  @Test
  void a_key_is_read_once_a_second_for_all() {
    assertThat(reads.get("a")).isEqualTo(1);
    pass(999);
    assertThat(reads.get("a")).isEqualTo(1);
    assertThat(reads.get("b")).isEqualTo(2);
    pass(1);
    assertThat(reads.get("a")).isEqualTo(3);
    assertThat(read).containsExactly("a", "b", "a");
  }

  @Test
  void a_slow_read_is_repeated_less_often() {
    costMs = 500;
    reads.get("a");
    pass(4_499);
    reads.get("a");
    assertThat(read).hasSize(1);
    pass(1);
    reads.get("a");
    assertThat(read).hasSize(2);
  }

  @Test
  void an_error_is_told_to_all_until_the_next_read() {
    assertThatThrownBy(() -> reads.get("broken")).hasMessage("broken");
    assertThatThrownBy(() -> reads.get("broken")).hasMessage("broken");
    assertThat(read).hasSize(1);
  }

  @Test
  void forgotten_keys_are_read_anew() {
    for (int i = 0; i <= 2 * LivePages.OPEN_MAX; i++) {
      reads.get("k" + i);
    }
    int before = read.size();
    reads.get("k0");
    assertThat(read).hasSize(before + 1);
  }

  private void pass(long ms) {
    nanos += Duration.ofMillis(ms).toNanos();
  }
}
