package dev.batchyard.ops.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.AttemptLogs.OpenLog;
import dev.batchyard.engine.port.LogLines;
import dev.batchyard.engine.port.StoreUnavailable;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TaskLogsTest {

  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final Lines lines = new Lines();
  private final TaskLogs logs =
      new TaskLogs(
          lines,
          InstantSource.fixed(Instant.parse("2026-01-01T00:00:00Z")),
          timer,
          Duration.ofHours(1));

  @AfterEach
  void end() {
    timer.shutdownNow();
  }

  @Test
  void lines_are_kept_in_order_with_task_attempt_and_level() {
    OpenLog log = logs.open(7, 2);
    log.info("开始");
    log.warn("two\nlines");
    log.close();
    logs.close();
    assertThat(lines.stored)
        .extracting(
            line -> line.task() + "/" + line.attempt() + " " + line.level() + " " + line.text())
        .containsExactly("7/2 info 开始", "7/2 warn two", "7/2 warn lines");
  }

  @Test
  void an_attempt_keeps_ten_thousand_lines_and_a_mark() {
    OpenLog log = logs.open(1, 1);
    for (int i = 0; i < BoundedLog.LINES_MAX + 5; i++) {
      log.info("line " + i);
    }
    log.close();
    logs.close();
    assertThat(lines.stored).hasSize(BoundedLog.LINES_MAX + 1);
    assertThat(lines.stored.getLast().text()).contains("5 lines were dropped");
  }

  @Test
  void a_line_is_cut_and_cleaned_of_what_no_database_takes() {
    OpenLog log = logs.open(1, 1);
    log.info("x".repeat(100_000_000));
    log.info("a\0b\uD800c \u001B[31mred\u001B[0m");
    logs.close();
    assertThat(lines.stored.getFirst().text()).hasSizeLessThan(8_210).endsWith("(cut)");
    assertThat(lines.stored.getLast().text()).isEqualTo("a\uFFFDb\uFFFDc red");
  }

  @Test
  void a_first_line_goes_in_only_with_others_and_keeps_its_time() {
    OpenLog quick = logs.open(1, 1);
    quick.begin("task_start");
    quick.endQuietly("task_completion");
    OpenLog talks = logs.open(2, 1);
    talks.begin("task_start");
    talks.warn("hm");
    talks.endQuietly("task_completion");
    OpenLog takesLong = logs.open(3, 1);
    takesLong.begin("task_start");
    takesLong.show();
    takesLong.show();
    logs.close();
    assertThat(lines.stored.stream().map(l -> l.task() + " " + l.text()))
        .containsExactly("2 task_start", "2 hm", "2 task_completion", "3 task_start");
  }

  @Test
  void an_outage_loses_no_line_up_to_the_bound_and_never_fails_the_attempt() {
    lines.down = true;
    OpenLog log = logs.open(1, 1);
    log.info("first");
    logs.close();
    for (int i = 0; i < TaskLogs.WAITING_MAX; i++) {
      logs.open(2, 1).info("line");
    }
    lines.down = false;
    logs.close();
    assertThat(lines.stored.getFirst().text()).isEqualTo("first");
    assertThat(lines.stored).hasSizeGreaterThanOrEqualTo(TaskLogs.WAITING_MAX);
  }

  @Test
  void a_line_is_stored_in_time_also_by_a_store_that_was_away() throws Exception {
    TaskLogs soon = new TaskLogs(lines, InstantSource.system(), timer, Duration.ofMillis(5));
    lines.refusals.set(2);
    soon.open(1, 1).info("first");
    assertThat(lines.firstStored.get(10, TimeUnit.SECONDS).text()).isEqualTo("first");
    assertThat(lines.refusals.get()).isNegative();
  }

  @Test
  void a_handler_that_outlives_its_node_may_still_log() {
    timer.shutdownNow();
    logs.open(1, 1).info("late");
    logs.close();
    assertThat(lines.stored).hasSize(1);
  }

  private static final class Lines implements LogLines {
    private final List<Line> stored = new ArrayList<>();
    private final CompletableFuture<Line> firstStored = new CompletableFuture<>();
    private final AtomicInteger refusals = new AtomicInteger();
    private boolean down;

    @Override
    public void append(List<Line> batch) {
      if (down || refusals.getAndDecrement() > 0) {
        throw new StoreUnavailable("away", new IllegalStateException());
      }
      stored.addAll(batch);
      firstStored.complete(batch.getFirst());
    }

    @Override
    public List<Line> read(long task, long after, int limit) {
      return List.of();
    }

    @Override
    public List<Line> tail(long task, int limit) {
      return List.of();
    }
  }
}
