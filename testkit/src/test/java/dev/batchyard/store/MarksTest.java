package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Limits;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Batches.Batch;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Failed tasks that a person counts as completed. */
@PostgresTest
class MarksTest {

  private StoreFixture f;
  private OperatorMoves moves;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    moves = f.store.operatorMoves();
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_marked_task_is_completed_for_good_and_its_history_says_who_why_and_how_it_failed() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    f.finish(claim, new Verdict.Fail(StoreFixture.failure()));
    f.pass(Duration.ofDays(2));

    assertThat(moves.markCompleted(task, "李雷", "手工处理了")).isEqualTo(Move.DONE);

    assertThat(f.state(task)).isEqualTo(TaskState.COMPLETED);
    assertThat(f.detail(task).row().problem()).isEmpty();
    assertThat(f.detail(task).errorJson()).isEmpty();
    assertThat(f.detail(task).attempts()).singleElement().matches(a -> a.ended().equals("failed"));
    assertThat(f.detail(task).attempts().getFirst().errorJson().orElseThrow()).contains("坏了");
    assertThat(f.history(task))
        .containsExactly(TaskState.READY, TaskState.RUNNING, TaskState.FAILED, TaskState.COMPLETED);
    assertThat(f.historyIsLegal(task)).isTrue();
    assertThat(f.detail(task).events().getLast().by()).isEqualTo("李雷");
    assertThat(f.detail(task).events().getLast().why()).isEqualTo("marked as completed: 手工处理了");
    assertThat(f.store.taskViews().counts()).containsOnlyKeys(TaskState.COMPLETED);
    assertThat(sumsAreWrong()).isZero();
    assertThat(moves.markCompleted(task, "kim", "twice")).isEqualTo(Move.ALREADY);
    assertThat(moves.rerun(task, "kim")).as("completed absorbs").isEqualTo(Move.REFUSED);
    assertThat(f.finish(claim, new Verdict.Fail(StoreFixture.failure())).kept())
        .as("the attempt still knows its own end")
        .containsExactly(task);
  }

  @Test
  void the_batch_of_a_marked_task_counts_it_as_completed_and_releases_nothing_twice() {
    Batches.Opened batch = f.store.batches().open("b", Optional.of(StoreFixture.draft()));
    long marked = f.submit(StoreFixture.member(batch.batch()));
    long other = f.submit(StoreFixture.member(batch.batch()));
    f.finish(f.claim(node, 1), new Verdict.Fail(StoreFixture.failure()));
    assertThat(moves.markCompleted(marked, "kim", "x")).as("while it goes on").isEqualTo(Move.DONE);
    f.store.batches().seal(batch.batch());
    f.finish(f.claim(node, 1), new Verdict.Fail(StoreFixture.failure()));
    Batch ended = f.store.batches().find(batch.batch()).orElseThrow();
    assertThat(List.of(ended.completed(), ended.failed(), ended.live()))
        .containsExactly(1L, 1L, 0L);
    assertThat(moves.markCompleted(other, "kim", "x")).as("when it has ended").isEqualTo(Move.DONE);
    Batch after = f.store.batches().find(batch.batch()).orElseThrow();
    assertThat(List.of(after.completed(), after.failed(), after.live()))
        .containsExactly(2L, 0L, 0L);
    assertThat(after.ended()).isEqualTo(ended.ended());
    assertThat(f.claim(node, 9))
        .extracting(Claim::task)
        .containsExactly(batch.then().orElseThrow());
    assertThat(f.count("select count(*) from event where by = 'batch'")).isEqualTo(1);
  }

  @Test
  void a_task_that_failed_without_an_attempt_can_be_marked() {
    long task =
        f.submit(
            StoreFixture.limited(
                new Limits(
                    Optional.empty(),
                    Optional.empty(),
                    Optional.of(Duration.ofSeconds(1)),
                    Optional.empty())));
    f.pass(Duration.ofSeconds(2));
    f.store.expiries().expire();
    assertThat(f.state(task)).isEqualTo(TaskState.FAILED);
    assertThat(moves.markCompleted(task, "kim", "x")).isEqualTo(Move.DONE);
    assertThat(f.history(task))
        .containsExactly(TaskState.READY, TaskState.FAILED, TaskState.COMPLETED);
    assertThat(f.detail(task).attempts()).isEmpty();
  }

  @Test
  void only_a_failed_task_can_be_marked() {
    long task = f.submit();
    assertThat(moves.markCompleted(task, "kim", "x")).as("ready").isEqualTo(Move.REFUSED);
    moves.pause(task, "kim");
    assertThat(moves.markCompleted(task, "kim", "x")).as("paused").isEqualTo(Move.REFUSED);
    moves.resume(task, "kim");
    Claim claim = f.claimOne(node);
    assertThat(moves.markCompleted(task, "kim", "x")).as("running").isEqualTo(Move.REFUSED);
    f.finish(claim, new Verdict.Cancel());
    assertThat(moves.markCompleted(task, "kim", "x")).as("cancelled").isEqualTo(Move.REFUSED);
    assertThat(f.state(task)).isEqualTo(TaskState.CANCELLED);
    assertThat(moves.markCompleted(404, "kim", "x")).isEqualTo(Move.NOT_FOUND);
    for (String why : List.of("", "  ", "x".repeat(OperatorMoves.WHY_MAX + 1))) {
      assertThatThrownBy(() -> moves.markCompleted(task, "kim", why))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("must have 1 to 500 characters");
    }
    assertThatThrownBy(() -> moves.markCompleted(task, "kim", "a\0"))
        .isInstanceOf(InvalidParameters.class);
  }

  @Test
  void a_task_that_is_being_deleted_is_not_marked() {
    long task = f.submit();
    f.finish(f.claimOne(node), new Verdict.Fail(StoreFixture.failure()));
    f.sql("update id_span set closed = 'closing'");
    try {
      assertThatThrownBy(() -> moves.markCompleted(task, "kim", "x"))
          .isInstanceOf(MoveRefused.class)
          .hasMessageContaining("is being deleted");
    } finally {
      f.sql("update id_span set closed = null");
    }
  }

  @Test
  void of_a_mark_and_a_rerun_at_once_one_happens() throws Exception {
    for (int round = 0; round < 20; round++) {
      long task = f.submit();
      f.finish(f.claimOne(node), new Verdict.Fail(StoreFixture.failure()));
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        var mark = threads.submit(() -> moves.markCompleted(task, "kim", "x"));
        var rerun = threads.submit(() -> moves.rerun(task, "lee"));
        assertThat(Stream.of(mark.get(20, TimeUnit.SECONDS), rerun.get(20, TimeUnit.SECONDS)))
            .containsExactlyInAnyOrder(Move.DONE, Move.REFUSED);
      }
      assertThat(f.historyIsLegal(task)).as("%s", f.history(task)).isTrue();
      if (f.state(task) == TaskState.READY) {
        f.finish(f.claimOne(node), StoreFixture.complete());
      }
    }
    assertThat(sumsAreWrong()).isZero();
  }

  private long sumsAreWrong() {
    return f.count(
        """
        select count(*)
          from (select day, lane, state, sum(n) as n from tally group by 1, 2, 3 having sum(n) <> 0) t
          full join (select (finished_at at time zone 'UTC')::date as day, lane, state, count(*) as n
                       from outcome group by 1, 2, 3) o using (day, lane, state)
         where t.n is distinct from o.n
        """);
  }
}
