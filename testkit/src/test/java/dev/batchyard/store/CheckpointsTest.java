package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Checkpoints.Passed;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Checkpoints that a task has passed: which are kept, and how it goes back to one. */
@PostgresTest
class CheckpointsTest {

  private final TestDatabase test;
  private StoreFixture f;
  private UUID node;

  CheckpointsTest(TestDatabase test) {
    this.test = test;
  }

  @BeforeEach
  void open() {
    f = new StoreFixture(test);
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  /** Commits ten items of which some are written and the others rejected. */
  private void commit(Claim claim, int written, boolean rewinds) {
    long read =
        f.count(
            "select coalesce(sum(read), 0)::bigint from checkpoint where task = ?", claim.task());
    StringBuilder rejects = new StringBuilder("[");
    for (int i = written + 1; i <= 10; i++) {
      rejects
          .append(rejects.length() > 1 ? "," : "")
          .append(
              "{\"number\":%d,\"column\":\"\",\"reason\":\"\",\"raw\":\"\"}".formatted(read + i));
    }
    f.sql(
        "select commit_chunk(%d, '%s', 0, %d, '{\"row\": %d}', 10, %d, 0, %d, '%s]', %s)"
            .formatted(
                claim.task(),
                claim.token(),
                claim.counters().generation(),
                read + 10,
                written,
                10 - written,
                rejects,
                rewinds));
  }

  private List<Integer> passed(long task) {
    return f.store.checkpoints().of(task).stream()
        .filter(p -> !p.last())
        .map(Passed::number)
        .toList();
  }

  private Passed last(long task) {
    Passed last = f.store.checkpoints().of(task).getFirst();
    assertThat(last.last()).isTrue();
    return last;
  }

  /** A task that has failed for good after two attempts of two chunks each. */
  private long failedAfterTwo(TaskDraft draft, int writtenLater, boolean rewinds) {
    long task = f.submit(draft);
    Claim first = f.claimOne(node);
    commit(first, 8, rewinds);
    commit(first, 10, rewinds);
    f.finish(first, StoreFixture.retry(Duration.ZERO));
    Claim second = f.claimOne(node);
    commit(second, writtenLater, rewinds);
    commit(second, writtenLater, rewinds);
    f.finish(second, new Verdict.Fail(StoreFixture.failure()));
    return task;
  }

  @Test
  void the_last_checkpoint_of_each_attempt_is_kept_with_its_counts_and_attempt() {
    long task = failedAfterTwo(StoreFixture.draft(), 9, false);
    List<Passed> all = f.store.checkpoints().of(task);
    assertThat(all).hasSize(2);
    assertThat(all.getFirst())
        .returns(2, Passed::number)
        .returns(true, Passed::last)
        .returns(2, Passed::attempt)
        .returns("{\"row\": 40}", Passed::positionJson)
        .returns(new Ledger(40, 36, 0, 4), Passed::ledger);
    assertThat(all.getLast())
        .returns(1, Passed::number)
        .returns(false, Passed::last)
        .returns(1, Passed::attempt)
        .returns("{\"row\": 20}", Passed::positionJson)
        .returns(new Ledger(20, 18, 0, 2), Passed::ledger);
    assertThat(f.store.checkpoints().of(task + 1)).isEmpty();
  }

  @Test
  void while_an_attempt_runs_one_of_ten_seconds_is_kept() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    IntStream.range(0, 5).forEach(_ -> commit(claim, 10, false));
    assertThat(passed(task)).isEmpty();
    f.sql("update checkpoint set kept_at = kept_at - interval '10 s'");
    IntStream.range(0, 5).forEach(_ -> commit(claim, 10, false));
    assertThat(passed(task)).containsExactly(1);
    assertThat(last(task).ledger().read()).isEqualTo(100);
    assertThat(f.store.checkpoints().of(task).getLast().ledger().read()).isEqualTo(50);
  }

  @Test
  void the_older_they_are_the_fewer_are_kept() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    f.sql(
        """
        do $$ begin
          for i in 1..1001 loop
            update checkpoint set kept_at = '-infinity';
            perform commit_chunk(%d, '%s', 0, 1, '{}', 1, 1, 0, 0, null);
          end loop;
        end $$
        """
            .formatted(claim.task(), claim.token()));
    assertThat(last(task).number()).isEqualTo(1001);
    List<Integer> expected =
        IntStream.rangeClosed(1, 1000)
            .map(i -> 1001 - i)
            .filter(n -> {
              int age = 1000 - n;
              int every = age < 16 ? 1 : 2 * Integer.highestOneBit(age / 16);
              return n % every == 0;
            })
            .boxed()
            .toList();
    assertThat(passed(task)).isEqualTo(expected).hasSizeLessThan(80);
    assertThat(f.store.doctor().look(Check.CHECKPOINTS, 100).found()).isEmpty();
  }

  @Test
  void an_attempt_that_has_lost_its_lease_keeps_nothing() {
    long task = f.submit();
    Claim lost = f.claimOne(node);
    commit(lost, 10, false);
    f.kill(node);
    assertThatThrownBy(() -> commit(lost, 10, false)).hasStackTraceContaining("the lease is lost");
    assertThat(passed(task)).isEmpty();
    node = f.node();
    commit(f.claimOne(node), 10, false);
    assertThat(passed(task)).containsExactly(1);
  }

  @Test
  void a_failed_task_goes_back_to_a_checkpoint_if_its_sink_writes_over_what_is_there() {
    long task = failedAfterTwo(StoreFixture.draft(), 9, true);
    assertThat(f.store.operatorMoves().rerun(task, "李雷", OptionalInt.of(1))).isEqualTo(Move.DONE);
    assertThat(f.state(task)).isEqualTo(TaskState.READY);
    assertThat(last(task))
        .returns(1, Passed::number)
        .returns("{\"row\": 20}", Passed::positionJson)
        .returns(new Ledger(20, 18, 0, 2), Passed::ledger);
    assertThat(passed(task)).isEmpty();
    assertThat(f.store.taskViews().rejects(task, 0, 99))
        .as("those behind it are found anew")
        .extracting(r -> r.number())
        .containsExactly(9L, 10L);
    assertThat(f.store.logLines().tail(task, 1).getFirst().text())
        .isEqualTo("李雷 sends it back from checkpoint 2 (read 40) to 1 (read 20)");
    Claim third = f.claimOne(node);
    commit(third, 9, true);
    assertThat(passed(task)).containsExactly(1);
    assertThat(last(task).ledger()).isEqualTo(new Ledger(30, 27, 0, 3));
    assertThat(f.store.taskViews().rejects(task, 0, 99)).hasSize(3);
    assertThat(f.store.doctor().look(Check.CHECKPOINTS, 100).found()).isEmpty();
  }

  @Test
  void over_what_an_ordinary_sink_has_written_no_task_goes_back() {
    long task = failedAfterTwo(StoreFixture.draft(), 9, false);
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(task, "kim", OptionalInt.of(1)))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContainingAll(
            "task " + task, "since checkpoint 1 it has written 18 items", "--from-checkpoint");
    assertThat(f.state(task)).isEqualTo(TaskState.FAILED);
    assertThat(last(task).ledger().read()).isEqualTo(40);
    assertThat(passed(task)).containsExactly(1);
  }

  @Test
  void one_commit_of_an_ordinary_sink_is_enough() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    commit(claim, 10, false);
    f.sql("update checkpoint set kept_at = '-infinity'");
    commit(claim, 10, true);
    f.finish(claim, new Verdict.Fail(StoreFixture.failure()));
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(task, "kim", OptionalInt.of(1)))
        .isInstanceOf(MoveRefused.class);
  }

  @Test
  void back_over_items_that_were_all_rejected_any_task_goes() {
    long task = failedAfterTwo(StoreFixture.draft(), 0, false);
    assertThat(f.store.operatorMoves().rerun(task, "kim", OptionalInt.of(1))).isEqualTo(Move.DONE);
    assertThat(last(task).ledger()).isEqualTo(new Ledger(20, 18, 0, 2));
    assertThat(f.store.taskViews().rejects(task, 0, 99)).hasSize(2);
  }

  @Test
  void a_paused_task_goes_back_as_it_is_resumed() {
    long task = f.submit();
    Claim first = f.claimOne(node);
    commit(first, 10, true);
    f.finish(first, StoreFixture.retry(Duration.ZERO));
    Claim second = f.claimOne(node);
    commit(second, 10, true);
    f.finish(second, StoreFixture.retry(Duration.ZERO));
    f.store.operatorMoves().pause(task, "kim");
    assertThat(f.store.operatorMoves().resume(task, "kim", OptionalInt.of(1))).isEqualTo(Move.DONE);
    assertThat(last(task).ledger().read()).isEqualTo(10);
    assertThat(f.state(task)).isEqualTo(TaskState.READY);
  }

  @Test
  void a_checkpoint_that_is_not_kept_is_refused_and_the_last_one_is_where_it_goes_on_anyway() {
    long task = failedAfterTwo(StoreFixture.draft(), 9, false);
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(task, "kim", OptionalInt.of(7)))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContainingAll("no checkpoint 7", "checkpoints " + task);
    assertThat(f.store.operatorMoves().rerun(task, "kim", OptionalInt.of(2))).isEqualTo(Move.DONE);
    assertThat(last(task).ledger().read()).isEqualTo(40);
    long none = f.submit();
    f.store.operatorMoves().cancel(none, "kim");
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(none, "kim", OptionalInt.of(1)))
        .isInstanceOf(MoveRefused.class);
    assertThat(f.state(none)).isEqualTo(TaskState.CANCELLED);
  }

  @Test
  void a_task_that_may_not_run_again_does_not_go_back_either() {
    TaskDraft keyed =
        new TaskDraft(
            StoreFixture.TYPE,
            "{}",
            "",
            "default",
            4,
            Optional.empty(),
            TaskKeys.NONE.withLive("k"),
            OptionalLong.empty(),
            "default");
    long task = failedAfterTwo(keyed, 9, true);
    f.submit(keyed);
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(task, "kim", OptionalInt.of(1)))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContaining("holds its key");
    assertThat(last(task).ledger().read()).isEqualTo(40);
    assertThat(passed(task)).containsExactly(1);
  }
}
