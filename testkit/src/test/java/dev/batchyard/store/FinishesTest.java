package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.Decisions;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class FinishesTest {

  private StoreFixture f;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void each_verdict_leads_where_it_says() {
    f.submit(7);
    List<Claim> c = f.claim(node, 7);
    List<Verdict> verdicts =
        List.of(
            StoreFixture.complete(),
            new Verdict.Fail(StoreFixture.failure()),
            StoreFixture.retry(Duration.ofSeconds(5)),
            new Verdict.Snooze(Duration.ofSeconds(5)),
            new Verdict.Release(),
            new Verdict.Pause(),
            new Verdict.Cancel());
    List<Finish> ends = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      ends.add(new Finish(c.get(i), verdicts.get(i), "n1", Duration.ofSeconds(2)));
    }

    Finishes.Result result = f.store.finishes().finish(ends);

    assertThat(result.kept()).hasSize(7);
    assertThat(c)
        .extracting(claim -> f.state(claim.task()))
        .containsExactly(
            TaskState.COMPLETED,
            TaskState.FAILED,
            TaskState.RETRYING,
            TaskState.SCHEDULED,
            TaskState.READY,
            TaskState.PAUSED,
            TaskState.CANCELLED);
    assertThat(c)
        .extracting(claim -> f.detail(claim.task()).row().counters())
        .containsExactly(
            new Counters(1, 0, 0, 1),
            new Counters(1, 1, 0, 1),
            new Counters(1, 1, 0, 1),
            new Counters(1, 0, 0, 1),
            new Counters(1, 0, 0, 1),
            new Counters(1, 0, 0, 1),
            new Counters(1, 0, 0, 1));
    assertThat(c).allMatch(claim -> f.historyIsLegal(claim.task()));
    assertThat(f.count("select count(*) from lease")).isZero();
    assertThat(c).allMatch(claim -> f.detail(claim.task()).attempts().size() == 1);
  }

  @Test
  void a_result_and_an_error_are_kept_with_node_and_times() {
    f.submit(2);
    List<Claim> c = f.claim(node, 2);
    f.pass(Duration.ofSeconds(10));
    f.finish(c.get(0), StoreFixture.complete());
    f.finish(c.get(1), new Verdict.Fail(StoreFixture.failure()));

    TaskViews.TaskDetail done = f.detail(c.get(0).task());
    assertThat(done.resultJson()).contains("{\"rows\": 3}");
    assertThat(done.row().node()).contains("node");
    assertThat(done.row().finished()).contains(f.now);
    assertThat(done.row().started()).contains(f.now.minusMillis(3));
    assertThat(done.row().fraction()).isEqualTo(1);
    TaskViews.TaskDetail failed = f.detail(c.get(1).task());
    assertThat(failed.errorJson().orElseThrow()).contains("\"kind\": \"Oops\"");
    assertThat(failed.row().problem()).isEqualTo("坏了");
  }

  @Test
  void an_end_that_is_told_twice_is_stored_once() {
    f.submit(5);
    List<Claim> c = f.claim(node, 5);
    List<Verdict> verdicts =
        List.of(
            StoreFixture.complete(),
            StoreFixture.retry(Duration.ZERO),
            new Verdict.Snooze(Duration.ZERO),
            new Verdict.Release(),
            new Verdict.Pause());
    List<Finish> ends = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ends.add(new Finish(c.get(i), verdicts.get(i), "n1", Duration.ZERO));
    }
    f.store.finishes().finish(ends.subList(0, 3));

    assertThat(f.store.finishes().finish(ends).kept()).as("with ends that are new").hasSize(5);
    assertThat(f.store.finishes().finish(ends).kept()).hasSize(5);
    assertThat(f.store.finishes().finish(ends).refused()).isEmpty();

    assertThat(f.count("select count(*) from outcome")).isEqualTo(1);
    assertThat(f.count("select count(*) from attempt_log")).isEqualTo(4);
    assertThat(f.count("select sum(hi - lo + 1) from block")).isEqualTo(3);
    assertThat(f.count("select count(*) from parked")).isEqualTo(1);
  }

  @Test
  void an_end_under_a_wrong_token_or_of_another_lease_changes_nothing() {
    f.submit(2);
    List<Claim> c = new ArrayList<>(f.claim(node, 1));
    c.addAll(f.claim(node, 1));
    Claim one = c.getFirst();
    Claim forged =
        new Claim(
            one.task(),
            one.type(),
            "{}",
            one.counters(),
            one.retry(),
            one.lease(),
            new UUID(5, 5),
            false,
            one.begun(),
            0,
            one.limits());
    Claim other =
        new Claim(
            one.task(),
            one.type(),
            "{}",
            one.counters(),
            one.retry(),
            c.get(1).lease(),
            c.get(1).token(),
            false,
            one.begun(),
            0,
            one.limits());

    assertThat(f.finish(forged, StoreFixture.complete()).refused()).containsExactly(one.task());
    assertThat(f.finish(other, StoreFixture.complete()).refused()).containsExactly(one.task());
    assertThat(f.state(one.task())).isEqualTo(TaskState.RUNNING);
    assertThat(f.finish(one, StoreFixture.complete()).kept()).containsExactly(one.task());
  }

  @Test
  void an_end_that_cannot_be_stored_fails_alone() {
    f.submit(300);
    List<Claim> c = f.claim(node, 300);
    List<Finish> ends = new ArrayList<>();
    for (Claim claim : c) {
      String result = claim.task() == c.get(123).task() ? "{not json" : "{}";
      ends.add(new Finish(claim, new Verdict.Complete(result), "n", Duration.ZERO));
    }

    assertThat(f.store.finishes().finish(ends).kept()).hasSize(300);

    assertThat(f.count("select count(*) from outcome where state = 'completed'")).isEqualTo(299);
    TaskViews.TaskDetail bad = f.detail(c.get(123).task());
    assertThat(bad.row().state()).isEqualTo(TaskState.FAILED);
    assertThat(bad.errorJson().orElseThrow()).contains("EndNotStored").contains("json");
  }

  @Test
  void an_end_that_its_batch_does_not_take_is_stored_uncounted_and_the_doctor_counts_it() {
    long batch = f.store.batches().open("批", Optional.empty()).batch();
    f.submit(List.of(StoreFixture.member(batch), StoreFixture.member(batch)));
    f.store.batches().seal(batch);
    f.sql("update batch set total = 0");
    f.submit();
    List<Claim> c = f.claim(node, 3);
    String spans = "select count(*) from id_span";
    long before = f.count(spans);

    Finishes.Result result = f.finish(c, StoreFixture.complete());

    assertThat(result.kept()).hasSize(3);
    assertThat(c).allMatch(claim -> f.state(claim.task()) == TaskState.COMPLETED);
    assertThat(f.count("select count(*) from lease")).isZero();
    assertThat(f.count(spans)).as("it was no lack of partitions").isEqualTo(before);
    Doctor.Finding finding = f.store.doctor().look(Check.BATCHES, Doctor.ROWS);
    assertThat(finding.found()).hasSize(1);
    assertThat(f.store.doctor().repair(finding)).isEqualTo(finding.found());
    assertThat(f.count("select completed from batch where ended_at is not null")).isEqualTo(2);
  }

  @Test
  void an_end_that_the_database_refuses_for_no_fault_of_its_own_keeps_its_lease_and_others_pass() {
    f.submit(30);
    List<Claim> c = f.claim(node, 30);
    long broken = c.get(17).task();
    f.sql(
        """
        create function break_outcome() returns trigger language plpgsql as $$
        begin
          if new.id = %d then
            raise exception 'a page is broken' using errcode = 'XX001';
          end if;
          return new;
        end $$;
        create trigger break_outcome before insert on outcome
           for each row execute function break_outcome()
        """
            .formatted(broken));
    try {
      Finishes.Result result = f.finish(c, StoreFixture.complete());

      assertThat(result.kept()).hasSize(29).doesNotContain(broken);
      assertThat(result.refused()).as("its lease is not lost").isEmpty();
      assertThat(f.state(broken)).isEqualTo(TaskState.RUNNING);
    } finally {
      f.sql("drop trigger break_outcome on outcome; drop function break_outcome()");
    }
    assertThat(f.finish(c.get(17), StoreFixture.complete()).kept()).containsExactly(broken);
    assertThat(f.state(broken)).isEqualTo(TaskState.COMPLETED);
  }

  @Test
  void a_retry_waits_for_its_delay_and_the_policy_comes_with_every_claim() {
    long task = f.submit();
    f.finish(f.claimOne(node), StoreFixture.retry(Duration.ofSeconds(5)));
    f.pass(Duration.ofMillis(4_999));
    assertThat(f.claim(node, 1)).isEmpty();
    assertThat(f.detail(task).row().problem()).isEqualTo("坏了");
    f.pass(Duration.ofMillis(1));

    Claim again = f.claimOne(node);

    assertThat(again.counters()).isEqualTo(new Counters(2, 1, 0, 1));
    assertThat(again.retry().retries()).isEqualTo(3);
    assertThat(f.historyIsLegal(task)).isTrue();
  }

  @Test
  void an_attempt_that_came_to_its_own_end_clears_its_task_of_killing_nodes() {
    List<Verdict> ends =
        List.of(
            StoreFixture.retry(Duration.ZERO),
            new Verdict.Snooze(Duration.ZERO),
            new Verdict.Pause(),
            new Verdict.Release());
    for (Verdict end : ends) {
      long task = f.submit();
      f.claimOne(node);
      f.kill(node);
      node = f.node();
      Claim suspect = f.claimOne(node);
      assertThat(suspect.counters().crashes()).isEqualTo(1);
      f.finish(suspect, end);
      boolean cleared = !(end instanceof Verdict.Release);
      assertThat(f.detail(task).row().counters().crashes())
          .as("%s", end)
          .isEqualTo(cleared ? 0 : 1);
      if (end instanceof Verdict.Pause) {
        f.store.operatorMoves().resume(task, "kim");
      }
      assertThat(f.claim(node, 1, false)).as("%s", end).hasSize(cleared ? 1 : 0);
      f.sql("truncate block, lease");
    }
  }

  @Test
  void the_absence_of_the_store_is_spared_until_it_comes_too_often_without_progress() {
    long task = f.submit();
    Verdict spare = new Verdict.Spare(StoreFixture.retry(Duration.ZERO));
    for (int i = 1; i <= Decisions.SPARED_MAX; i++) {
      f.finish(f.claimOne(node), spare);
      assertThat(f.state(task)).isEqualTo(TaskState.READY);
      assertThat(f.detail(task).row().counters()).isEqualTo(new Counters(i, 0, 0, 1));
    }
    assertThat(f.detail(task).events().getLast().why()).isEqualTo("ready: 坏了");

    commitChunk(f.claimOne(node), 3, spare);
    assertThat(f.detail(task).row().counters().failures()).as("it moved").isZero();
    for (int i = 1; i < Decisions.SPARED_MAX; i++) {
      f.finish(f.claimOne(node), spare);
      assertThat(f.detail(task).row().counters().failures()).isZero();
    }
    f.finish(f.claimOne(node), spare);
    assertThat(f.detail(task).row().counters().failures()).isZero();
    f.finish(f.claimOne(node), spare);
    assertThat(f.detail(task).row().counters().failures()).as("it has not moved").isEqualTo(1);
    f.finish(f.claimOne(node), new Verdict.Spare(new Verdict.Fail(StoreFixture.failure())));
    assertThat(f.state(task)).isEqualTo(TaskState.FAILED);

    f.store.operatorMoves().rerun(task, "kim");
    f.finish(f.claimOne(node), spare);
    assertThat(f.detail(task).row().counters().failures()).as("a new generation").isZero();
    assertThat(f.historyIsLegal(task)).isTrue();
  }

  private void commitChunk(Claim claim, int read, Verdict then) {
    f.sql(
        "select commit_chunk(%d, '%s', 0, 1, '{}', %d, %d, 0, 0, null)"
            .formatted(claim.task(), claim.token(), read, read));
    f.finish(claim, then);
  }

  @Test
  void a_request_that_came_as_the_attempt_ended_is_obeyed() {
    f.submit(3);
    List<Claim> c = f.claim(node, 3);
    f.store.operatorMoves().pause(c.get(0).task(), "kim");
    f.store.operatorMoves().cancel(c.get(1).task(), "kim");
    f.store.operatorMoves().cancel(c.get(2).task(), "kim");

    f.finish(c.get(0), StoreFixture.retry(Duration.ZERO));
    f.finish(c.get(1), new Verdict.Release());
    f.finish(c.get(2), StoreFixture.complete());

    assertThat(f.state(c.get(0).task())).isEqualTo(TaskState.PAUSED);
    assertThat(f.state(c.get(1).task())).isEqualTo(TaskState.CANCELLED);
    assertThat(f.state(c.get(2).task())).as("done is done").isEqualTo(TaskState.COMPLETED);
    assertThat(f.count("select count(*) from request")).isZero();
    assertThat(f.detail(c.get(1).task()).events().getLast().by()).isEqualTo("kim");
    assertThat(c).allMatch(claim -> f.historyIsLegal(claim.task()));
  }

  @Test
  void a_request_that_commits_while_the_end_waits_for_its_lease_is_obeyed() throws Exception {
    // the end's snapshot is older than the request: only the lease's row tells it
    long task = f.submit();
    Claim claim = f.claimOne(node);
    CompletableFuture<Finishes.Result> end;
    try (Connection operator = f.source.getConnection()) {
      operator.setAutoCommit(false);
      Sql.run(
          operator,
          """
          update lease set asked = int8multirange(int8range(?, ?, '[]')) where id = ?
          """,
          task,
          task,
          claim.lease());
      Sql.run(
          operator,
          "insert into request (task, kind, boot, by, at) values (?, 'cancel', ?, 'kim', now())",
          task,
          node);
      end = CompletableFuture.supplyAsync(() -> f.finish(claim, new Verdict.Release()));
      while (f.count("select count(*) from pg_locks where not granted") == 0) {
        Thread.onSpinWait();
      }
      operator.commit();
      operator.setAutoCommit(true);
    }
    assertThat(end.get().kept()).containsExactly(task);
    assertThat(f.state(task)).isEqualTo(TaskState.CANCELLED);
    assertThat(f.count("select count(*) from request")).isZero();
  }

  @Test
  void a_lease_of_many_may_end_in_any_order() {
    f.submit(500);
    List<Claim> c = new ArrayList<>(f.claim(node, 500));
    Collections.shuffle(c, new Random(3));
    for (int from = 0; from < 500; from += 50) {
      assertThat(f.finish(c.subList(from, from + 50), StoreFixture.complete()).kept()).hasSize(50);
    }
    assertThat(f.count("select count(*) from lease")).isZero();
    assertThat(f.count("select count(*) from outcome")).isEqualTo(500);
  }

  @Test
  void ends_of_a_node_that_was_fenced_count_while_its_lease_stands() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    f.store.sessions().leave(node);

    assertThat(f.finish(claim, StoreFixture.complete()).kept()).containsExactly(task);
    assertThat(f.store.rescues().rescue()).isZero();
  }

  @Test
  void five_hundred_leases_of_one_end_in_one_fast_statement() {
    // joined to their leases, the ends of a batch are a nested loop over 500 × 500
    f.submit(500);
    List<Claim> c = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      c.addAll(f.claim(node, 1));
    }
    assertThat(f.finish(c.subList(0, 100), StoreFixture.complete()).kept()).hasSize(100);
    long begunNs = System.nanoTime();
    assertThat(f.finish(c.subList(100, 500), StoreFixture.complete()).kept()).hasSize(400);
    assertThat(Duration.ofNanos(System.nanoTime() - begunNs)).isLessThan(Duration.ofMillis(500));
  }

  @Test
  void a_dropped_end_is_never_sent() {
    f.submit();
    assertThatThrownBy(() -> f.finish(f.claimOne(node), new Verdict.Drop()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
