package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class LowMarksTest {

  private static final Instant DUE = Instant.parse("2031-03-30T01:30:00Z");

  private final AtomicLong now = new AtomicLong(7);
  private final LowMarks marks = new LowMarks(now::get);

  @Test
  void a_mark_leaves_room_for_submits_that_commit_late() {
    marks.taken(3, DUE);
    assertThat(marks.of(3)).isEqualTo(DUE.minusMillis(50));
    assertThat(marks.of(4)).isNull();
  }

  @Test
  void all_is_read_again_once_a_second() {
    marks.readAll(now.get(), false);
    marks.taken(3, DUE);
    pass(Duration.ofMillis(999));
    assertThat(marks.marks()).isNotEmpty();
    pass(Duration.ofMillis(1));
    assertThat(marks.marks()).isEmpty();
  }

  @Test
  void a_quick_reading_from_the_beginning_may_follow_at_once_a_slow_one_later() {
    long from = now.get();
    pass(Duration.ofMillis(5));
    marks.readAll(from, false);
    assertThat(marks.mayReadAll()).isTrue();
    from = now.get();
    pass(Duration.ofMillis(6));
    marks.readAll(from, false);
    pass(Duration.ofMillis(119));
    assertThat(marks.mayReadAll()).isFalse();
    pass(Duration.ofMillis(1));
    assertThat(marks.mayReadAll()).isTrue();
  }

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }
}
