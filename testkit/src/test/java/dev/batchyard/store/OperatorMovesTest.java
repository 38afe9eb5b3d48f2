package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.engine.port.NodeSession.StopRequest;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class OperatorMovesTest {

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
  void a_waiting_task_is_cut_out_of_its_block_wherever_it_lies() {
    List<Long> ids = f.submit(10);
    for (int at : List.of(0, 9, 4, 5, 1)) {
      assertThat(moves.cancel(ids.get(at), "kim")).isEqualTo(Move.DONE);
      assertThat(f.state(ids.get(at))).isEqualTo(TaskState.CANCELLED);
      assertThat(f.historyIsLegal(ids.get(at))).isTrue();
    }
    assertThat(f.claim(node, 10))
        .extracting(Claim::task)
        .containsExactly(ids.get(2), ids.get(3), ids.get(6), ids.get(7), ids.get(8));
  }

  @Test
  void what_is_asked_of_a_task_that_nobody_held_leaves_a_legal_history() {
    List<Long> ids = f.submit(3);
    assertThat(f.claim(node, 3)).hasSize(3);
    f.pass(Duration.ofSeconds(1));
    assertThat(moves.pause(ids.get(0), "kim")).isEqualTo(Move.REQUESTED);
    assertThat(moves.cancel(ids.get(1), "kim")).isEqualTo(Move.REQUESTED);
    assertThat(f.store.claims().releaseUnheld(node, Set.of())).isEqualTo(3);
    assertThat(moves.resume(ids.get(0), "kim")).isEqualTo(Move.DONE);
    assertThat(moves.rerun(ids.get(1), "kim")).isEqualTo(Move.DONE);
    f.finish(f.claim(node, 3), StoreFixture.complete());
    f.finish(f.claim(node, 3), StoreFixture.complete());
    for (long task : ids) {
      assertThat(f.state(task)).as("task %s", task).isEqualTo(TaskState.COMPLETED);
      assertThat(f.historyIsLegal(task)).as("%s", f.history(task)).isTrue();
    }
  }

  @Test
  void a_paused_task_keeps_its_place_and_goes_back_with_its_old_due_time() {
    Instant due = f.now.plusSeconds(60);
    long scheduled = f.submit(StoreFixture.due(due));
    long ready = f.submit();
    long retrying = f.submit();
    f.pass(Duration.ofSeconds(1));
    long later = f.submit();
    f.finish(f.claim(node, 2).get(1), StoreFixture.retry(Duration.ofSeconds(30)));
    f.store.claims().releaseUnheld(node, Set.of());
    for (long task : List.of(scheduled, ready, retrying)) {
      assertThat(moves.pause(task, "kim")).isEqualTo(Move.DONE);
      assertThat(moves.pause(task, "kim")).isEqualTo(Move.ALREADY);
      assertThat(f.state(task)).isEqualTo(TaskState.PAUSED);
    }
    assertThat(f.claim(node, 9)).extracting(Claim::task).containsExactly(later);

    for (long task : List.of(scheduled, ready, retrying)) {
      assertThat(moves.resume(task, "kim")).isEqualTo(Move.DONE);
      assertThat(moves.resume(task, "kim")).isEqualTo(Move.ALREADY);
      assertThat(f.historyIsLegal(task)).as("%s", f.history(task)).isTrue();
    }

    assertThat(f.state(scheduled)).isEqualTo(TaskState.SCHEDULED);
    assertThat(f.detail(scheduled).row().due()).isEqualTo(due);
    assertThat(f.state(retrying)).isEqualTo(TaskState.RETRYING);
    assertThat(f.detail(retrying).row().counters()).isEqualTo(new Counters(1, 1, 0, 1));
    assertThat(f.claim(node, 9)).extracting(Claim::task).containsExactly(ready);
    f.pass(Duration.ofSeconds(60));
    assertThat(f.claim(node, 9)).extracting(Claim::task).containsExactly(scheduled, retrying);
    assertThat(f.historyIsLegal(scheduled)).as("%s", f.history(scheduled)).isTrue();
    assertThat(f.historyIsLegal(retrying)).as("%s", f.history(retrying)).isTrue();
  }

  @Test
  void a_running_task_is_asked_with_every_beat_until_it_ends() {
    long task = f.submit();
    UUID boot = new UUID(3, 3);
    try (NodeSession session = f.open(boot, "n")) {
      Claim claim = f.claimOne(boot);
      assertThat(moves.pause(task, "kim")).isEqualTo(Move.REQUESTED);
      assertThat(session.beat(false, 0, Look.NONE).requests())
          .containsExactly(new StopRequest(task, false));
      assertThat(moves.resume(task, "kim")).as("it may pause any moment").isEqualTo(Move.REFUSED);
      assertThat(moves.cancel(task, "kim")).isEqualTo(Move.REQUESTED);
      assertThat(moves.pause(task, "kim")).as("a cancel stays").isEqualTo(Move.REQUESTED);
      assertThat(session.beat(false, 0, Look.NONE).requests())
          .containsExactly(new StopRequest(task, true));
      assertThat(f.detail(task).request()).contains("cancel");
      f.finish(claim, new Verdict.Cancel());
      assertThat(session.beat(false, 0, Look.NONE).requests()).isEmpty();
    }
    assertThat(f.state(task)).isEqualTo(TaskState.CANCELLED);
    assertThat(f.detail(task).events().getLast().by()).isEqualTo("kim");
  }

  @Test
  void a_paused_task_can_be_cancelled() {
    long task = f.submit();
    moves.pause(task, "kim");
    assertThat(moves.cancel(task, "李")).isEqualTo(Move.DONE);
    assertThat(moves.cancel(task, "李")).isEqualTo(Move.ALREADY);
    assertThat(f.state(task)).isEqualTo(TaskState.CANCELLED);
    assertThat(f.historyIsLegal(task)).isTrue();
  }

  @Test
  void a_rerun_is_a_new_generation_that_keeps_attempt_numbers_and_checkpoint() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    f.commitChunk(claim);
    f.finish(claim, new Verdict.Fail(StoreFixture.failure()));

    assertThat(moves.rerun(task, "kim")).isEqualTo(Move.DONE);

    Claim again = f.claimOne(node);
    assertThat(again.counters()).isEqualTo(new Counters(2, 0, 0, 2));
    assertThat(again.begun().items()).isEqualTo(5);
    assertThat(again.begun().fraction()).as("the checkpoint does not say").isNegative();
    assertThat(f.detail(task).attempts())
        .extracting(a -> a.ended())
        .containsExactly("failed", "running");
    assertThat(f.detail(task).attempts()).extracting(a -> a.generation()).containsExactly(1, 2);
    assertThat(f.history(task))
        .containsExactly(
            TaskState.READY,
            TaskState.RUNNING,
            TaskState.FAILED,
            TaskState.READY,
            TaskState.RUNNING);
    assertThat(f.finish(claim, new Verdict.Fail(StoreFixture.failure())).kept())
        .as("the first attempt still knows its own end")
        .containsExactly(task);
    f.finish(again, StoreFixture.complete());
    assertThat(moves.rerun(task, "kim")).as("completed absorbs").isEqualTo(Move.REFUSED);
    assertThat(f.historyIsLegal(task)).isTrue();
  }

  @Test
  void a_rerun_of_what_has_not_ended_is_refused() {
    long waiting = f.submit();
    assertThat(moves.rerun(waiting, "kim")).isEqualTo(Move.REFUSED);
    moves.pause(waiting, "kim");
    assertThat(moves.rerun(waiting, "kim")).isEqualTo(Move.REFUSED);
    moves.cancel(waiting, "kim");
    assertThat(moves.rerun(waiting, "kim")).isEqualTo(Move.DONE);
    assertThat(f.claimOne(node).counters()).isEqualTo(new Counters(1, 0, 0, 2));
    assertThat(moves.rerun(waiting, "kim")).as("running").isEqualTo(Move.REFUSED);
    assertThat(f.historyIsLegal(waiting)).isTrue();
  }

  @Test
  void an_unknown_task_is_not_found() {
    assertThat(moves.cancel(404, "kim")).isEqualTo(Move.NOT_FOUND);
    assertThat(moves.pause(404, "kim")).isEqualTo(Move.NOT_FOUND);
    assertThat(moves.resume(404, "kim")).isEqualTo(Move.NOT_FOUND);
    assertThat(moves.rerun(404, "kim")).isEqualTo(Move.NOT_FOUND);
  }

  @Test
  void an_ended_task_has_nothing_left_to_pause_or_cancel() {
    long task = f.submit();
    f.finish(f.claimOne(node), StoreFixture.complete());
    assertThat(moves.cancel(task, "kim")).isEqualTo(Move.ALREADY);
    assertThat(moves.pause(task, "kim")).isEqualTo(Move.ALREADY);
    assertThat(moves.resume(task, "kim")).isEqualTo(Move.ALREADY);
    assertThat(f.count("select count(*) from event")).isZero();
  }

  @Test
  void a_cancel_is_obeyed_even_if_the_attempt_has_heard_of_the_pause_before_it_only() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    assertThat(moves.pause(task, "kim")).isEqualTo(Move.REQUESTED);
    assertThat(moves.cancel(task, "kim")).isEqualTo(Move.REQUESTED);
    f.finish(claim, new Verdict.Pause());
    assertThat(f.state(task)).isEqualTo(TaskState.CANCELLED);
    assertThat(f.count("select count(*) from request")).isZero();
    assertThat(f.historyIsLegal(task)).isTrue();
  }

  @Test
  void a_cancel_that_takes_the_place_of_a_pause_while_the_end_is_on_its_way_is_not_lost(
      TestDatabase test) throws Exception {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    assertThat(moves.pause(task, "kim")).isEqualTo(Move.REQUESTED);
    try (Connection person = test.connect();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      person.setAutoCommit(false);
      Sql.run(person, "set search_path = batchyard");
      // as a cancel does it, which has locked the lease first
      Sql.run(person, "update lease set asked = asked + int8multirange(int8range(1, 1, '[]'))");
      Sql.run(person, "update request set kind = 'cancel' where task = ?", task);
      var end = threads.submit(() -> f.finish(claim, StoreFixture.retry(Duration.ZERO)));
      awaitSomebodyWaitsForALock();
      person.commit();
      end.get(10, TimeUnit.SECONDS);
    }
    assertThat(f.state(task)).isEqualTo(TaskState.CANCELLED);
    assertThat(f.count("select count(*) from request")).isZero();
    assertThat(f.historyIsLegal(task)).isTrue();
  }

  private void awaitSomebodyWaitsForALock() {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (f.count(
            """
            select count(*) from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'
            """)
        == 0) {
      assertThat(System.nanoTime()).isLessThan(deadline);
    }
  }
}
