package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Limits;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches.Opened;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Expiries;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.StopReason;
import dev.batchyard.engine.task.TimeLimits;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every limit, in every state in which a task can meet it. */
@PostgresTest
class LimitsTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration TICK = Duration.ofMillis(1);
  private static final Limits QUEUE = Limits.NONE.withQueueTimeout(MINUTE);
  private static final Limits TOTAL = Limits.NONE.withTotalTimeout(HOUR);

  private StoreFixture f;
  private Expiries expiries;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    expiries = f.store.expiries();
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_claim_brings_what_is_left_of_the_limits() {
    f.submit(
        StoreFixture.limited(
            QUEUE
                .withAttemptTimeout(Duration.ofSeconds(7))
                .withTotalTimeout(HOUR)
                .withDeadline(f.now.plus(MINUTE).plusMillis(5))));
    f.submit();
    f.pass(Duration.ofSeconds(20));
    assertThat(f.claim(node, 9))
        .extracting(Claim::limits)
        .containsExactly(
            new TimeLimits(
                Optional.of(Duration.ofSeconds(40)),
                Optional.of(Duration.ofSeconds(7)),
                Optional.of(Duration.ofMillis(40_005)),
                true),
            TimeLimits.NONE);
  }

  @Test
  void who_waits_longer_than_its_queue_timeout_fails_alone() {
    List<Long> ids =
        f
            .store
            .submissions()
            .submit(
                IntStream.range(0, 10)
                    .mapToObj(n -> n % 4 == 1 ? StoreFixture.limited(QUEUE) : StoreFixture.draft())
                    .toList())
            .stream()
            .map(Submitted::task)
            .toList();
    f.pass(MINUTE.minus(TICK));
    assertThat(expiries.expire()).isZero();
    f.pass(TICK);
    assertThat(expiries.expire()).isEqualTo(3);
    for (int failed : List.of(1, 5, 9)) {
      assertFailed(ids.get(failed), TaskState.READY, TimeLimits.QUEUE_TIMEOUT);
    }
    assertThat(f.claim(node, 500))
        .extracting(Claim::task)
        .containsExactly(
            ids.get(0), ids.get(2), ids.get(3), ids.get(4), ids.get(6), ids.get(7), ids.get(8));
    assertNothingLeft();
  }

  @Test
  void a_queue_timeout_begins_when_a_task_is_due() {
    long task = f.submit(StoreFixture.limited(QUEUE, f.now.plus(HOUR)));
    f.pass(HOUR.plus(MINUTE).minus(TICK));
    var _ = expiries.expire();
    assertThat(f.state(task)).isEqualTo(TaskState.READY);
    f.pass(TICK);
    var _ = expiries.expire();
    assertFailed(task, TaskState.READY, TimeLimits.QUEUE_TIMEOUT);
  }

  @Test
  void a_queue_timeout_goes_on_while_claims_come_back_before_their_handler_is_called() {
    long givenBack = f.submit(StoreFixture.limited(QUEUE));
    long unheld = f.submit(StoreFixture.limited(QUEUE));
    f.pass(MINUTE.minus(TICK));
    Claim waited = f.claimOne(node);
    f.store
        .finishes()
        .finish(List.of(new Finish(waited, new Verdict.Release(), "node", TICK, false)));
    f.claim(node, 2);
    f.store.claims().releaseUnheld(node, Set.of());
    for (long task : List.of(givenBack, unheld)) {
      assertThat(f.state(task)).isEqualTo(TaskState.READY);
    }
    f.pass(TICK);
    sweep();
    for (long task : List.of(givenBack, unheld)) {
      assertFailed(task, TaskState.READY, TimeLimits.QUEUE_TIMEOUT);
    }
    assertNothingLeft();
  }

  @Test
  void a_queue_timeout_begins_anew_with_a_retry_a_give_back_and_a_resume() {
    long retried = f.submit(StoreFixture.limited(QUEUE));
    long givenBack = f.submit(StoreFixture.limited(QUEUE));
    long resumed = f.submit(StoreFixture.limited(QUEUE));
    f.store.operatorMoves().pause(resumed, "kim");
    f.finish(f.claim(node, 1), StoreFixture.retry(MINUTE));
    List<Claim> begun = f.claim(node, 1);
    f.pass(MINUTE.minus(TICK));
    f.finish(begun, new Verdict.Release());
    f.store.operatorMoves().resume(resumed, "kim");
    f.pass(MINUTE.minus(TICK));
    sweep();
    for (long task : List.of(retried, givenBack, resumed)) {
      assertThat(f.state(task)).isEqualTo(TaskState.READY);
    }
    f.pass(TICK);
    sweep();
    assertFailed(givenBack, TaskState.READY, TimeLimits.QUEUE_TIMEOUT);
    assertFailed(resumed, TaskState.READY, TimeLimits.QUEUE_TIMEOUT);
    assertThat(f.state(retried)).isEqualTo(TaskState.READY);
    f.pass(TICK);
    sweep();
    assertFailed(retried, TaskState.READY, TimeLimits.QUEUE_TIMEOUT);
    assertNothingLeft();
  }

  @Test
  void a_claim_past_its_queue_timeout_says_so_and_a_paused_task_does_not_wait() {
    long paused = f.submit(StoreFixture.limited(QUEUE));
    f.store.operatorMoves().pause(paused, "kim");
    f.submit(StoreFixture.limited(QUEUE));
    f.pass(MINUTE);
    Claim claim = f.claimOne(node);
    assertThat(claim.limits().late(Duration.ZERO)).contains(TimeLimits.QUEUE_TIMEOUT);
    f.finish(claim, new Verdict.Fail(TimeLimits.QUEUE_TIMEOUT));
    assertThat(f.detail(claim.task()).row().problem()).contains("queue timeout");
    f.pass(HOUR);
    sweep();
    assertThat(f.state(paused)).isEqualTo(TaskState.PAUSED);
  }

  @Test
  void a_total_timeout_ends_a_task_that_waits_whatever_for() {
    long ready = f.submit(StoreFixture.limited(TOTAL));
    long scheduled = f.submit(StoreFixture.limited(TOTAL, f.now.plus(HOUR).plus(HOUR)));
    long paused = f.submit(StoreFixture.limited(TOTAL));
    long blocked = f.submit(StoreFixture.limited(TOTAL));
    f.store.operatorMoves().pause(paused, "kim");
    f.store.operatorMoves().pause(blocked, "kim");
    f.sql("update parked set state = 'blocked', from_state = 'blocked' where id = " + blocked);
    long retrying = f.submit(StoreFixture.limited(TOTAL));
    long snoozed = f.submit(StoreFixture.limited(TOTAL));
    f.store.operatorMoves().pause(ready, "kim");
    List<Claim> claims = f.claim(node, 2);
    f.finish(claims.get(0), StoreFixture.retry(HOUR.plus(HOUR)));
    f.finish(claims.get(1), new Verdict.Snooze(HOUR.plus(HOUR)));
    f.store.operatorMoves().resume(ready, "kim");

    f.pass(HOUR.minus(TICK));
    sweep();
    assertThat(f.count("select count(*) from outcome")).isZero();
    f.pass(TICK);
    sweep();

    assertFailed(ready, TaskState.READY, TimeLimits.TOTAL_TIMEOUT);
    assertFailed(scheduled, TaskState.SCHEDULED, TimeLimits.TOTAL_TIMEOUT);
    assertFailed(paused, TaskState.PAUSED, TimeLimits.TOTAL_TIMEOUT);
    assertFailed(retrying, TaskState.RETRYING, TimeLimits.TOTAL_TIMEOUT);
    assertFailed(snoozed, TaskState.SCHEDULED, TimeLimits.TOTAL_TIMEOUT);
    assertThat(f.state(blocked)).isEqualTo(TaskState.FAILED);
    assertThat(f.detail(blocked).events().getLast().from()).isEqualTo("blocked");
    assertThat(f.detail(retrying).row().counters().failures()).as("its own alone").isEqualTo(1);
    assertNothingLeft();
  }

  @Test
  void a_running_task_is_left_to_its_node_until_it_comes_back() {
    long task = f.submit(StoreFixture.limited(TOTAL));
    Claim claim = f.claimOne(node);
    assertThat(claim.limits().overtime(HOUR.minus(TICK), HOUR)).isEqualTo(StopReason.NONE);
    assertThat(claim.limits().overtime(HOUR, HOUR)).isEqualTo(StopReason.TOTAL_TIMEOUT);
    f.pass(HOUR);
    sweep();
    assertThat(f.state(task)).isEqualTo(TaskState.RUNNING);
    f.pass(Duration.ofSeconds(4));
    f.kill(node);
    sweep();
    assertThat(f.state(task)).as("looked at not before five seconds").isEqualTo(TaskState.READY);
    assertThat(f.claim(f.node(), 1).getFirst().limits().late(Duration.ZERO))
        .contains(TimeLimits.TOTAL_TIMEOUT);
  }

  @Test
  void a_rescued_task_whose_time_is_up_fails_without_a_node() {
    long task = f.submit(StoreFixture.limited(TOTAL));
    f.claimOne(node);
    f.pass(HOUR);
    f.kill(node);
    sweep();
    assertFailed(task, TaskState.READY, TimeLimits.TOTAL_TIMEOUT);
  }

  @Test
  void of_total_timeout_and_deadline_the_first_counts() {
    long deadline = f.submit(StoreFixture.limited(TOTAL.withDeadline(f.now.plus(MINUTE))));
    long total = f.submit(StoreFixture.limited(TOTAL.withDeadline(f.now.plus(HOUR).plus(HOUR))));
    f.pass(MINUTE);
    sweep();
    assertFailed(deadline, TaskState.READY, TimeLimits.DEADLINE_PASSED);
    f.pass(HOUR);
    sweep();
    assertFailed(total, TaskState.READY, TimeLimits.TOTAL_TIMEOUT);
  }

  @Test
  void a_rerun_has_its_limits_anew_but_for_a_deadline_that_has_passed() {
    long total = f.submit(StoreFixture.limited(TOTAL.withQueueTimeout(MINUTE)));
    long deadline = f.submit(StoreFixture.limited(Limits.NONE.withDeadline(f.now.plus(MINUTE))));
    f.pass(MINUTE);
    sweep();
    assertFailed(total, TaskState.READY, TimeLimits.QUEUE_TIMEOUT);
    assertFailed(deadline, TaskState.READY, TimeLimits.DEADLINE_PASSED);
    f.pass(HOUR);
    assertThat(f.store.operatorMoves().rerun(total, "kim")).isEqualTo(Move.DONE);
    assertThat(f.store.operatorMoves().rerun(deadline, "kim")).isEqualTo(Move.DONE);
    sweep();
    List<Claim> claims = f.claim(node, 9);
    assertThat(claims).extracting(Claim::task).containsExactly(total, deadline);
    assertThat(claims.getFirst().limits().endWithin()).contains(HOUR);
    assertThat(claims.getLast().limits()).isEqualTo(TimeLimits.NONE);
    f.store.claims().releaseUnheld(node, Set.of());
    f.pass(HOUR.minus(TICK));
    f.claim(node, 1);
    f.store.claims().releaseUnheld(node, Set.of());
    f.pass(TICK);
    sweep();
    assertThat(f.state(total)).isEqualTo(TaskState.FAILED);
    assertThat(f.detail(total).row().problem()).isEqualTo(TimeLimits.TOTAL_TIMEOUT.message());
    assertThat(f.historyIsLegal(total)).isTrue();
    assertThat(f.state(deadline)).isEqualTo(TaskState.READY);
  }

  @Test
  void whatever_way_a_limited_task_ends_its_limits_are_forgotten() {
    Limits all = QUEUE.withTotalTimeout(HOUR).withAttemptTimeout(MINUTE);
    f.submit(StoreFixture.limited(all));
    f.submit(StoreFixture.limited(all));
    long waiting = f.submit(StoreFixture.limited(all));
    List<Claim> claims = f.claim(node, 2);
    f.finish(claims.get(0), StoreFixture.complete());
    f.finish(claims.get(1), new Verdict.Fail(StoreFixture.failure()));
    f.store.operatorMoves().cancel(waiting, "kim");
    assertNothingLeft();
  }

  @Test
  void more_than_a_page_is_taken_page_by_page_and_what_runs_holds_nothing_up() {
    for (int i = 0; i < 2; i++) {
      f.store
          .submissions()
          .submit(IntStream.range(0, 700).mapToObj(_ -> StoreFixture.limited(TOTAL)).toList());
    }
    assertThat(f.claim(node, 500)).hasSize(500);
    f.pass(HOUR);
    assertThat(expiries.expire()).isEqualTo(Expiries.PAGE_MAX);
    assertThat(expiries.expire()).isEqualTo(Expiries.PAGE_MAX);
    assertThat(expiries.expire()).isEqualTo(400);
    assertThat(expiries.expire()).isZero();
    assertThat(f.count("select count(*) from outcome where state = 'failed'")).isEqualTo(900);
    assertThat(f.store.taskViews().counts())
        .containsEntry(TaskState.FAILED, 900L)
        .containsEntry(TaskState.RUNNING, 500L);
  }

  @Test
  void sweeps_claims_and_cancels_at_the_same_time_end_each_task_once() {
    List<Long> ids = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      f.store
          .submissions()
          .submit(
              IntStream.range(0, 900)
                  .mapToObj(n -> n % 3 == 0 ? StoreFixture.draft() : StoreFixture.limited(TOTAL))
                  .toList())
          .forEach(s -> ids.add(s.task()));
    }
    f.pass(HOUR);
    List<UUID> nodes = List.of(node, f.node());
    List<CompletableFuture<Void>> hands = new ArrayList<>();
    for (UUID one : nodes) {
      hands.add(CompletableFuture.runAsync(this::sweep));
      hands.add(CompletableFuture.runAsync(() -> work(one)));
    }
    hands.add(
        CompletableFuture.runAsync(() ->
            ids.stream()
                .filter(id -> id % 7 == 0)
                .forEach(id -> f.store.operatorMoves().cancel(id, "kim"))));
    hands.forEach(CompletableFuture::join);
    f.pass(Duration.ofSeconds(10));
    sweep();
    assertThat(f.count("select count(*) from outcome")).isEqualTo(ids.size());
    assertThat(f.count("select count(*) from block")).isZero();
    assertThat(f.count("select count(*) from lease")).isZero();
    assertThat(f.count("select count(*) from outcome where state = 'failed'")).isPositive();
    assertNothingLeft();
  }

  @Test
  void an_end_that_waits_for_its_batch_has_its_limits_to_itself(TestDatabase test)
      throws Exception {
    Opened batch = f.store.batches().open("", Optional.empty());
    f.submit(member(batch.batch()));
    long other = f.submit(member(batch.batch()));
    Claim claim = f.claimOne(node);
    f.pass(HOUR);
    try (Connection third = test.connect();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      third.setAutoCommit(false);
      Sql.run(third, "select from batchyard.batch for update");
      Future<?> end = threads.submit(() -> f.finish(claim, StoreFixture.complete()));
      awaitWaiting(1);
      assertThat(f.count("select count(*) from (select from expiry for update skip locked) e"))
          .as("limits that a sweep could lock")
          .isEqualTo(1);
      Future<?> sweep = threads.submit(() -> expiries.expire());
      awaitWaiting(2);
      third.commit();
      end.get();
      sweep.get();
    }
    assertThat(f.state(claim.task())).isEqualTo(TaskState.COMPLETED);
    assertFailed(other, TaskState.READY, TimeLimits.TOTAL_TIMEOUT);
    assertThat(f.store.batches().find(batch.batch()).orElseThrow().live()).isZero();
    assertNothingLeft();
  }

  @Test
  void a_sweep_that_waits_for_a_batch_does_not_hold_its_then_task(TestDatabase test)
      throws Exception {
    Opened batch = f.store.batches().open("", Optional.of(StoreFixture.limited(TOTAL)));
    long then = batch.then().orElseThrow();
    long paused = f.submit(member(batch.batch()));
    f.store.operatorMoves().pause(paused, "kim");
    f.pass(HOUR);
    try (Connection third = test.connect();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      third.setAutoCommit(false);
      Sql.run(third, "select from batchyard.batch for update");
      Future<?> sweep = threads.submit(() -> expiries.expire());
      awaitWaiting(1);
      assertThat(
              f.count(
                  "select count(*) from (select from parked where id = ? for update skip locked) p",
                  then))
          .as("then tasks that the end of their batch could release")
          .isEqualTo(1);
      third.commit();
      sweep.get();
    }
    assertFailed(paused, TaskState.PAUSED, TimeLimits.TOTAL_TIMEOUT);
    assertFailed(then, TaskState.BLOCKED, TimeLimits.TOTAL_TIMEOUT);
    assertNothingLeft();
  }

  private static TaskDraft member(long batch) {
    TaskDraft m = StoreFixture.member(batch);
    return new TaskDraft(
        m.type(),
        m.paramsJson(),
        m.label(),
        m.queue(),
        m.priority(),
        m.due(),
        m.keys(),
        m.batch(),
        m.retry(),
        TOTAL);
  }

  /** Until so many sessions wait for a lock. */
  private void awaitWaiting(int sessions) {
    long startedNs = System.nanoTime();
    String waiting =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while (f.count(waiting) < sessions) {
      assertThat(Duration.ofNanos(System.nanoTime() - startedNs)).isLessThan(MINUTE);
    }
  }

  private void work(UUID one) {
    for (int empty = 0; empty < 5; ) {
      List<Claim> claims =
          f.store
              .claims()
              .claim(one, UUID.randomUUID(), java.util.Map.of(StoreFixture.TYPE, 500), 7, true);
      f.finish(claims, StoreFixture.complete());
      empty = claims.isEmpty() ? empty + 1 : 0;
    }
  }

  private void sweep() {
    int pages = 0;
    while (expiries.expire() == Expiries.PAGE_MAX) {
      assertThat(pages++).isLessThan(100);
    }
  }

  private void assertFailed(long task, TaskState from, Failure why) {
    assertThat(f.state(task)).isEqualTo(TaskState.FAILED);
    assertThat(f.detail(task).errorJson()).get().asString().contains(why.kind(), why.message());
    assertThat(f.detail(task).events().getLast().why()).isEqualTo(why.message());
    assertThat(f.detail(task).events().getLast().from()).isEqualTo(from.word());
    assertThat(f.historyIsLegal(task)).as("%s", f.history(task)).isTrue();
  }

  private void assertNothingLeft() {
    assertThat(f.count("select count(*) from expiry")).isZero();
  }
}
