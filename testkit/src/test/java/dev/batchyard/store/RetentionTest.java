package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.port.TaskViews.Filter;
import dev.batchyard.engine.port.Upkeep;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What ended long ago goes with all that tells of it, and nothing else does. */
@PostgresTest
class RetentionTest {

  private static final int THREADS = 2;
  private static final int ROUNDS = 16;

  private static final String HOMELESS =
      """
      select (select count(*) from task)
             - (select count(*) from outcome)
             - (select coalesce(sum(hi - lo + 1), 0) from block)
             - (select coalesce(sum(upper(r) - lower(r)), 0) from lease, unnest(ids) r)
             - (select count(*) from parked)
      """;

  private StoreFixture f;
  private UUID node;
  private Upkeep upkeep;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    node = f.node();
    upkeep = f.store.upkeep();
    upkeep.runOnce();
  }

  @AfterEach
  void close() {
    f.close();
  }

  /** The next day begins in a span of its own. */
  private void nextDay() {
    f.pass(Duration.ofDays(1));
    upkeep.runOnce();
  }

  private void prune() {
    while (upkeep.prune()) {
      assertThat(TallyTest.wrong(f) == 0 || detached() > 0).as("the sums are right").isTrue();
    }
  }

  private long detached() {
    return f.count("select count(*) from id_span where closed = 'detached'");
  }

  private boolean known(long task) {
    return f.store.taskViews().find(task).isPresent();
  }

  private String keptWhy() {
    return f.count("select count(*) from id_span where kept_why is not null") == 0
        ? ""
        : new Db(f.source, f.random)
            .query(
                "select kept_why from id_span where kept_why is not null",
                r -> r.getString("kept_why"))
            .getFirst();
  }

  @Test
  void what_ended_before_the_retention_goes_with_all_its_rows() {
    List<Long> ids = f.submit(8);
    f.submit(StoreFixture.keyed("k"));
    f.store.operatorMoves().pause(ids.get(7), "kim");
    f.store.operatorMoves().cancel(ids.get(7), "kim");
    List<Claim> claims = f.claim(node, 8);
    f.commitChunk(claims.getFirst());
    f.sql(
        """
        insert into checkpoint_log
        select task, shard, 1, position, read, written, skipped, rejected, attempt, moved_at
          from checkpoint
        """);
    f.sql(
        """
        insert into reject (task, generation, shard, number, "column", reason, raw)
        values (%d, 1, 0, 1, 'a', 'b', 'c')
        """
            .formatted(ids.getFirst()));
    f.finish(claims.subList(0, 4), StoreFixture.complete());
    f.finish(claims.subList(4, 8), StoreFixture.retry(Duration.ZERO));
    f.finish(f.claim(node, 8), new Verdict.Fail(StoreFixture.failure()));
    nextDay();
    long young = f.submit();
    f.finish(f.claimOne(node), StoreFixture.complete());
    f.pass(Duration.ofDays(30).minusSeconds(1));
    prune();
    assertThat(ids).as("a second too early").allSatisfy(id -> assertThat(known(id)).isTrue());

    f.pass(Duration.ofSeconds(1));
    prune();

    assertThat(ids).noneMatch(this::known);
    assertThat(f.state(young)).isEqualTo(TaskState.COMPLETED);
    assertThat(f.store.taskViews().counts()).containsEntry(TaskState.COMPLETED, 1L).hasSize(1);
    assertThat(TallyTest.wrong(f)).isZero();
    for (String table :
        List.of(
            "attempt_log",
            "event",
            "checkpoint",
            "checkpoint_log",
            "reject",
            "expiry",
            "task_key")) {
      assertThat(f.count("select count(*) from " + table)).as(table).isZero();
    }
    assertThat(
            f.count(
                """
                select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                 where n.nspname = 'batchyard' and c.relkind = 'r'
                   and (c.relname like 'task\\_0' or c.relname like 'outcome\\_0')
                """))
        .as("tables without a span")
        .isEqualTo(2 * f.count("select count(*) from id_span where number = 0"));
    assertThat(f.store.operatorMoves().rerun(ids.get(5), "kim")).isEqualTo(Move.NOT_FOUND);
  }

  @Test
  void a_batch_goes_with_the_last_of_its_tasks() {
    Batches batches = f.store.batches();
    Batches.Opened whole = batches.open("whole", Optional.of(StoreFixture.draft()));
    long left = batches.open("left open", Optional.empty()).batch();
    long empty = batches.open("nobody came", Optional.empty()).batch();
    long lasting = batches.open("lasting", Optional.empty()).batch();
    for (long batch : List.of(whole.batch(), left, lasting)) {
      f.submit(StoreFixture.member(batch));
    }
    batches.seal(whole.batch());
    f.finish(f.claim(node, 3), StoreFixture.complete());
    f.finish(f.claimOne(node), StoreFixture.complete()); // the then task
    nextDay();
    f.submit(StoreFixture.member(lasting));
    f.finish(f.claimOne(node), StoreFixture.complete());

    f.pass(Duration.ofDays(30).minusSeconds(1));
    long young = batches.open("young", Optional.empty()).batch();
    prune();
    assertThat(f.count("select count(*) from batch")).as("a second too early").isEqualTo(4);
    f.pass(Duration.ofSeconds(1));
    prune();
    assertThat(batches.list(OptionalLong.empty(), 9).rows().stream().map(Batches.Batch::id))
        .as("one has a task still, one is young")
        .containsExactly(young, lasting);
    assertThat(batches.find(whole.batch())).isEmpty();
    assertThat(batches.find(left)).as("never sealed").isEmpty();
    assertThat(batches.find(empty)).as("no task ever kept it").isEmpty();

    nextDay();
    f.pass(Duration.ofDays(30));
    prune();
    assertThat(f.count("select count(*) from batch")).isZero();
  }

  @Test
  void batches_are_looked_through_page_by_page() {
    f.sql(
        """
        insert into batch (label, opened_at)
        select '', '%s' from generate_series(1, 2500)
        """
            .formatted(f.now));
    Batches.Opened waits = f.store.batches().open("", Optional.of(StoreFixture.draft()));
    f.pass(Duration.ofDays(31));
    int steps = 1;
    while (upkeep.prune()) {
      steps++;
    }
    assertThat(steps).isGreaterThanOrEqualTo(3);
    assertThat(
            f.store.batches().list(OptionalLong.empty(), 9).rows().stream().map(Batches.Batch::id))
        .as("its then task is kept")
        .containsExactly(waits.batch());
  }

  @Test
  void a_span_stays_as_long_as_one_of_its_tasks_has_not_ended_long_ago() {
    long waits = f.submit();
    long ended = f.submit();
    f.store.operatorMoves().cancel(ended, "kim");
    nextDay();
    f.pass(Duration.ofDays(31));
    prune();
    assertThat(known(ended)).isTrue();
    assertThat(keptWhy()).isEqualTo("task " + waits + " waits");

    f.store.operatorMoves().pause(waits, "kim");
    prune();
    assertThat(keptWhy()).isEqualTo("task " + waits + " is paused");
    f.store.operatorMoves().resume(waits, "kim");
    Claim claim = f.claimOne(node);
    prune();
    assertThat(keptWhy()).isEqualTo("task " + waits + " runs");

    f.finish(claim, StoreFixture.complete());
    f.pass(Duration.ofDays(29));
    prune();
    assertThat(known(ended)).isTrue();
    assertThat(keptWhy()).startsWith("a task ended at ");
    assertThat(f.store.operatorMoves().rerun(ended, "kim"))
        .as("open to reruns")
        .isEqualTo(Move.DONE);
    f.store.operatorMoves().cancel(ended, "kim");
    f.pass(Duration.ofDays(2));
    prune();
    assertThat(known(ended)).as("it ended anew").isTrue();
    f.pass(Duration.ofDays(29));
    prune();
    assertThat(known(waits)).isFalse();
    assertThat(known(ended)).isFalse();
    assertThat(TallyTest.wrong(f)).isZero();
  }

  @Test
  void a_span_stays_as_long_as_steps_of_its_tasks_are_not_undone() {
    f.submit();
    Claim failed = f.claimOne(node);
    var _ =
        f.store
            .steps()
            .begin(
                new LeaseToken(failed.task(), 1, failed.token()),
                new Steps.Draft(
                    "a", Optional.of(new Steps.Undo(StoreFixture.TYPE, "{}", "default"))),
                false);
    f.finish(failed, new Verdict.Fail(StoreFixture.failure()));
    nextDay(); // the task and its undo lie in the first span
    Claim undo = f.claimOne(node);
    f.finish(undo, new Verdict.Fail(StoreFixture.failure()));
    f.pass(Duration.ofDays(31));
    prune();
    assertThat(known(failed.task())).isTrue();
    assertThat(known(undo.task())).isTrue();
    assertThat(keptWhy()).isEqualTo("steps of task " + failed.task() + " are not undone");

    assertThat(f.store.operatorMoves().rerun(undo.task(), "kim")).isEqualTo(Move.DONE);
    f.finish(f.claimOne(node), StoreFixture.complete());
    f.pass(Duration.ofDays(31));
    prune();
    assertThat(known(failed.task())).isFalse();
    assertThat(f.count("select count(*) from step")).isZero();
    assertThat(f.count("select count(*) from compensation")).isZero();
  }

  @Test
  void keys_past_their_time_go_by_pages_and_no_other() {
    f.sql(
        """
        insert into task_key
        select 'idempotency', 'test.work', 'k' || n, n, timestamptz '%s' from generate_series(1, %d) n
        """
            .formatted(f.now.minus(Retention.KEYS_LONGER), Retention.KEYS + 1));
    f.sql(
        """
        insert into task_key values
          ('idempotency', 'test.work', 'later', 1, timestamptz '%s' + interval '1 us'),
          ('live', 'test.work', 'live', 1, 'infinity')
        """
            .formatted(f.now.minus(Retention.KEYS_LONGER)));
    assertThat(upkeep.prune()).as("there are more").isTrue();
    assertThat(f.count("select count(*) from task_key")).isEqualTo(3);
    prune();
    assertThat(f.count("select count(*) from task_key where key in ('later', 'live')"))
        .isEqualTo(2);
    assertThat(f.count("select count(*) from task_key")).isEqualTo(2);
  }

  @Test
  void no_rerun_begins_in_a_span_that_is_being_dropped() {
    long task = f.submit();
    f.store.operatorMoves().cancel(task, "kim");
    nextDay();
    f.pass(Duration.ofDays(31));
    assertThat(upkeep.prune()).isTrue();
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(task, "kim"))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContaining("task " + task)
        .hasMessageContaining("being deleted");
    prune();
    assertThat(known(task)).isFalse();
  }

  @Test
  void a_span_left_half_way_is_finished_by_another_process() {
    long task = f.submit();
    f.store.operatorMoves().cancel(task, "kim");
    nextDay();
    f.pass(Duration.ofDays(31));
    while (detached() == 0) {
      assertThat(upkeep.prune()).isTrue();
    }
    assertThat(known(task)).isFalse();
    Upkeep other = f.store.upkeep();
    assertThat(other.prune()).as("somebody works at it").isFalse();
    f.pass(Duration.ofMinutes(10));
    while (other.prune()) {
      assertThat(known(task)).isFalse();
    }
    assertThat(detached()).isZero();
    prune();
    assertThat(TallyTest.wrong(f)).isZero();
  }

  @Test
  void a_reader_that_holds_the_table_is_not_waited_for(TestDatabase test) throws SQLException {
    long task = f.submit();
    f.store.operatorMoves().cancel(task, "kim");
    nextDay();
    f.pass(Duration.ofDays(31));
    try (Connection c = test.connect()) {
      c.setAutoCommit(false);
      Sql.run(c, "select count(*) from batchyard.task");
      prune();
      assertThat(keptWhy()).isEqualTo("others read it all the time");
      assertThat(known(task)).isTrue();
      c.rollback();
    }
    prune();
    assertThat(known(task)).isFalse();
  }

  @Test
  void others_work_on_while_spans_are_dropped() throws Exception {
    upkeep =
        new Store(
                f.source,
                f.database::session,
                () -> Optional.of(f.now),
                f.random,
                new Store.Settings(Duration.ofSeconds(10), Duration.ofDays(30), Duration.ofDays(5)))
            .upkeep();
    AtomicBoolean over = new AtomicBoolean();
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Future<Integer>> traffic =
          IntStream.range(0, THREADS).mapToObj(_ -> threads.submit(() -> work(over))).toList();
      try {
        for (int round = 0; round < ROUNDS; round++) {
          long before = f.count("select last_value from task_id");
          while (f.count("select last_value from task_id") < before + 20
              && traffic.stream().noneMatch(Future::isDone)) {
            Thread.onSpinWait();
          }
          nextDay();
          while (upkeep.prune()) {
            assertThat(f.store.taskViews().counts()).isNotEmpty();
          }
        }
      } finally {
        over.set(true);
      }
      for (Future<Integer> each : traffic) {
        assertThat(each.get()).isPositive();
      }
    }
    assertThat(f.count("select min(number) from id_span")).isPositive();
    assertThat(f.count(HOMELESS)).isZero();
    f.pass(Duration.ofMinutes(10));
    prune();
    assertThat(TallyTest.wrong(f)).isZero();
  }

  /** Submits, claims, ends, reads; returns how many tasks. */
  private int work(AtomicBoolean over) {
    int ended = 0;
    List<Long> failed = new ArrayList<>();
    while (!over.get()) {
      f.submit(5);
      List<Claim> claims = f.claim(node, 5);
      if (claims.isEmpty()) {
        continue;
      }
      f.finish(claims.subList(1, claims.size()), StoreFixture.complete());
      f.finish(claims.getFirst(), new Verdict.Fail(StoreFixture.failure()));
      failed.add(claims.getFirst().task());
      f.store.taskViews().list(Filter.ALL, OptionalLong.empty(), 20);
      f.store.operatorMoves().cancel(claims.getFirst().task(), "kim");
      if (failed.size() % 5 == 0) {
        assertThat(f.store.operatorMoves().rerun(failed.getLast(), "kim")).isEqualTo(Move.DONE);
      }
      ended += claims.size();
    }
    return ended;
  }
}
