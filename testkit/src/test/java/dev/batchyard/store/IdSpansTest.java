package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** No id lacks a partition, and ids never run backwards. */
@PostgresTest
class IdSpansTest {

  private static final int SMALL = 300;
  private static final int THREADS = 3;

  private StoreFixture f;
  private Db db;
  private IdSpans spans;
  private Submissions submissions;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    db = new Db(f.source, f.random);
    for (long n = f.count("select max(number) from id_span"); n > 0; n--) {
      f.sql(
          "drop table task_%1$d, outcome_%1$d; delete from id_span where number = %1$d"
              .formatted(n));
    }
    f.sql("select setval('task_id', 1)");
    spans = new IdSpans(db, () -> Optional.of(f.now), SMALL);
    submissions = submissions(spans);
  }

  @AfterEach
  void close() {
    f.close();
  }

  private Submissions submissions(IdSpans of) {
    return new PgSubmissions(
        db,
        () -> Optional.of(f.now),
        new Lanes(db, () -> 0),
        of,
        new WakeUps(db, StoreClock.DATABASE, new LocalNodes()));
  }

  private List<Long> submit(int count) {
    List<TaskDraft> drafts = Collections.nCopies(count, StoreFixture.draft());
    return submissions.submit(drafts).stream().map(Submitted::task).toList();
  }

  private void moveTo(long last) {
    f.sql("select setval('task_id', %d)".formatted(last));
  }

  private long spanCount() {
    return f.count("select count(*) from id_span");
  }

  private long end() {
    return f.count("select max(hi) from id_span");
  }

  @Test
  void a_submit_makes_the_next_span_when_the_last_is_half_used() {
    submit(5);
    assertThat(spanCount()).isEqualTo(1);
    moveTo(IdSpans.IDS / 2 - 2);
    submit(1);
    assertThat(spanCount()).isEqualTo(1);
    submit(1);
    assertThat(spanCount()).isEqualTo(2);
    assertThat(end()).as("half used within a day").isEqualTo(IdSpans.IDS + 10 * SMALL);
    f.pass(Duration.ofDays(1));
    moveTo(IdSpans.IDS + 1);
    spans.makeAhead();
    f.pass(Duration.ofDays(1));
    moveTo(IdSpans.IDS + 5 * SMALL - 1);
    submit(1);
    assertThat(end()).as("half used in a day and more").isEqualTo(IdSpans.IDS + 11 * SMALL);
  }

  @Test
  void a_submit_that_finds_no_partition_makes_it_and_tries_again() {
    moveTo(IdSpans.IDS - 3);
    List<Long> ids = submit(10);
    assertThat(ids).hasSize(10).allSatisfy(id -> assertThat(id).isLessThan(end()));
    assertThat(ids.getLast()).isGreaterThan(IdSpans.IDS);
    f.finish(f.claim(f.node(), 10), StoreFixture.complete());
    assertThat(ids).allSatisfy(id -> assertThat(f.state(id)).isEqualTo(TaskState.COMPLETED));

    moveTo(end() - 1);
    long keyed = submissions.submit(List.of(StoreFixture.keyed("k"))).getFirst().task();
    assertThat(f.state(keyed)).isEqualTo(TaskState.READY);
    moveTo(end() - 1);
    long then = f.store.batches().open("批", Optional.of(StoreFixture.draft())).then().orElseThrow();
    assertThat(f.state(then)).isEqualTo(TaskState.BLOCKED);
  }

  @Test
  void nothing_is_lost_while_spans_are_used_up_faster_than_they_are_made() throws Exception {
    moveTo(IdSpans.IDS - 100);
    List<Long> ids = new ArrayList<>();
    for (List<Long> each : atOnce(40, 50)) {
      assertThat(each).isSorted();
      ids.addAll(each);
    }
    assertThat(ids).hasSize(THREADS * 40 * 50).doesNotHaveDuplicates();
    assertThat(f.count("select count(*) from task")).isEqualTo(ids.size());
    assertThat(f.count("select sum(hi - lo + 1) from block")).isEqualTo(ids.size());
    assertThat(spanCount()).isGreaterThan(2);
  }

  @Test
  void once_a_day_the_ids_move_on_to_the_next_span() {
    List<Long> first = submit(5);
    spans.makeAhead();
    f.pass(Duration.ofHours(23));
    spans.moveOn();
    assertThat(submit(1)).containsExactly(first.getLast() + 1);
    f.pass(Duration.ofHours(1));
    spans.moveOn();
    assertThat(submit(2)).containsExactly(IdSpans.IDS, IdSpans.IDS + 1);
    assertThat(end()).isEqualTo(IdSpans.IDS + SMALL);
    spans.moveOn();
    assertThat(submit(1)).containsExactly(IdSpans.IDS + 2);
    f.pass(Duration.ofDays(1));
    spans.moveOn();
    f.pass(Duration.ofDays(9));
    spans.moveOn();
    assertThat(submit(1)).as("no span is left out").containsExactly(IdSpans.IDS + SMALL);
    spans.moveOn();
    assertThat(submit(1)).as("one task fills a day").containsExactly(IdSpans.IDS + 2 * SMALL);
  }

  @Test
  void ids_that_move_on_under_load_never_run_backwards() throws Exception {
    submit(2);
    spans.makeAhead();
    int moved = 0;
    List<List<Long>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Future<List<Long>>> running =
          IntStream.range(0, THREADS).mapToObj(_ -> threads.submit(() -> repeat(150, 3))).toList();
      while (!running.stream().allMatch(Future::isDone)) {
        long before = f.count("select last_value from task_id");
        f.pass(Duration.ofDays(1));
        PgDoctor none = new PgDoctor(db, System::nanoTime, List.of());
        StoreClock clock = () -> Optional.of(f.now);
        ForsakenParts parts =
            new ForsakenParts(db, clock, spans, new WakeUps(db, clock, new LocalNodes()));
        new PgUpkeep(db, clock, spans, parts, none, Store.Settings.DEFAULT).runOnce();
        moved += f.count("select last_value from task_id") - before >= SMALL / 2 ? 1 : 0;
      }
      for (Future<List<Long>> each : running) {
        all.add(each.get());
      }
    }
    assertThat(moved).isPositive();
    assertThat(all).allSatisfy(ids -> assertThat(ids).isSorted());
    List<Long> ids = all.stream().flatMap(List::stream).toList();
    assertThat(ids).hasSize(THREADS * 150 * 3).doesNotHaveDuplicates();
    assertThat(f.count("select count(*) from task")).isEqualTo(ids.size() + 2);
  }

  private List<List<Long>> atOnce(int times, int count) throws Exception {
    List<List<Long>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Future<List<Long>>> running =
          IntStream.range(0, THREADS)
              .mapToObj(_ -> threads.submit(() -> repeat(times, count)))
              .toList();
      for (Future<List<Long>> each : running) {
        all.add(each.get());
      }
    }
    return all;
  }

  private List<Long> repeat(int times, int count) {
    List<Long> ids = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      ids.addAll(submit(count));
    }
    return ids;
  }
}
