package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import dev.batchyard.api.Limits;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Doctor.Finding;
import dev.batchyard.engine.port.Doctor.Found;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each check finds what is planted for it, finds nothing else, and a repair repairs. */
@PostgresTest
class DoctorTest {

  private static final long ROWS = 1_000_000;

  /** What the server of these tests has by itself: it does not wait for the disk. */
  private static final Set<Check> AS_STARTED = EnumSet.of(Check.SETTINGS);

  private final TestDatabase test;
  private StoreFixture f;
  private Doctor doctor;
  private UUID node;

  DoctorTest(TestDatabase test) {
    this.test = test;
  }

  @BeforeEach
  void open() {
    f = new StoreFixture(test);
    doctor = f.store.doctor();
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  private Finding look(Check check) {
    return doctor.look(check, ROWS);
  }

  /** The one thing that is found, by this check and by no other. */
  private Found only(Check check) {
    EnumSet<Check> expected = EnumSet.copyOf(AS_STARTED);
    expected.add(check);
    for (Check each : EnumSet.complementOf(expected)) {
      assertThat(look(each)).as(each.word()).matches(Finding::fine);
    }
    Finding finding = look(check);
    assertThat(finding.problem()).isEmpty();
    assertThat(finding.found()).hasSize(1);
    assertThat(finding.fine()).isFalse();
    assertThat(finding.more()).isFalse();
    return finding.found().getFirst();
  }

  private void repairs(Check check) {
    Finding finding = look(check);
    assertThat(doctor.repair(finding)).isEqualTo(finding.found());
    assertThat(look(check).found()).isEmpty();
  }

  private void repairsNothing(Check check) {
    Finding finding = look(check);
    assertThat(doctor.repair(finding)).isEmpty();
    assertThat(look(check).found()).isEqualTo(finding.found());
  }

  @Test
  void nothing_is_found_where_tasks_wait_run_rest_and_have_ended() {
    f.submit(40);
    long batch = f.store.batches().open("b", Optional.of(StoreFixture.draft())).batch();
    f.submit(List.of(StoreFixture.member(batch), StoreFixture.member(batch)));
    f.submit(StoreFixture.limited(Limits.NONE.withTotalTimeout(Duration.ofDays(1))));
    f.submit(live("a"));
    long paused = f.submit();
    f.store.operatorMoves().pause(paused, "kim");
    List<Claim> claims = f.claim(node, 30);
    f.commitChunk(claims.get(3));
    f.finish(claims.subList(0, 10), StoreFixture.complete());
    f.finish(claims.subList(10, 20), StoreFixture.retry(Duration.ofHours(1)));
    for (Check check : EnumSet.complementOf(EnumSet.copyOf(AS_STARTED))) {
      assertThat(look(check)).as(check.word()).matches(Finding::fine).matches(Finding::complete);
    }
    assertThat(look(Check.HOMES).looked()).isEqualTo(46);
  }

  @Test
  void a_task_without_a_home_is_found_and_put_back_in_its_line() {
    long task = f.submit(3).get(1);
    List<Claim> claims = f.claim(node, 3);
    f.finish(claims, StoreFixture.retry(Duration.ZERO));
    Claim claim = f.claim(node, 3).stream().filter(c -> c.task() == task).findFirst().orElseThrow();
    f.sql(
        "update lease set ids = ids - int8multirange(int8range(%1$d, %1$d, '[]'))".formatted(task));

    Found found = only(Check.HOMES);
    assertThat(found.subject()).isEqualTo("task " + task);
    assertThat(found.detail()).isEqualTo("it is in no home");
    repairs(Check.HOMES);

    Claim again = f.claim(node, 9).stream().filter(c -> c.task() == task).findFirst().orElseThrow();
    assertThat(again.counters().attempt())
        .as("a number that was told to no lost attempt is all that is known")
        .isGreaterThanOrEqualTo(claim.counters().attempt());
    assertThat(f.store.logLines().tail(task, 9).getFirst().text()).contains("in no home");
  }

  @Test
  void a_task_in_two_homes_is_found_and_the_parked_row_of_an_ended_one_goes() {
    long twice = f.submit();
    f.sql(
        "insert into block (lane, due_at, first, lo, hi) select lane, due_at, lo, lo, hi from block");
    long ended = f.submit();
    f.store.operatorMoves().pause(ended, "kim");
    f.sql(
        """
        insert into outcome (id, type, state, lane, attempt, failures, crashes, generation, finished_at)
        values (%d, 'test.work', 'completed', 1, 1, 0, 0, 1, now())
        """
            .formatted(ended));
    Finding finding = look(Check.HOMES);
    assertThat(finding.found())
        .extracting(Found::subject, Found::detail)
        .containsExactly(
            tuple("task " + ended, "it is in outcome, parked"),
            tuple("task " + twice, "it is in block, block"));
    assertThat(doctor.repair(finding)).extracting(Found::subject).containsExactly("task " + ended);
    assertThat(f.state(ended)).isEqualTo(TaskState.COMPLETED);
    assertThat(look(Check.HOMES).found()).hasSize(1);
  }

  @Test
  void an_id_in_a_line_or_a_lease_that_is_no_task_is_found() {
    long last = f.submit(5).getLast();
    f.claim(node, 2);
    f.sql("delete from task where id in (%d, %d)".formatted(last, last - 4));
    Finding finding = look(Check.HOMES);
    assertThat(finding.found())
        .extracting(Found::detail)
        .containsExactly(
            "there is no such task, and it is in block",
            "there is no such task, and it is in lease");
    repairsNothing(Check.HOMES);
  }

  @Test
  void a_walk_ends_at_the_rows_it_may_look_at_and_says_so() {
    new History(f, "test.old").ended(1, 30_000);
    Finding all = look(Check.HOMES);
    assertThat(all.complete()).isTrue();
    assertThat(all.looked()).isEqualTo(30_000);
    f.sql("delete from outcome where id = 7");
    Finding newest = doctor.look(Check.HOMES, 10_000);
    assertThat(newest.complete()).isFalse();
    assertThat(newest.found()).isEmpty();
    assertThat(only(Check.HOMES).subject()).isEqualTo("task 7");
  }

  @Test
  void more_than_can_be_told_are_not_all_counted() {
    new History(f, "test.old").ended(1, 3_000);
    f.sql("delete from outcome");
    Finding finding = look(Check.HOMES);
    assertThat(finding.found()).hasSize(Doctor.FOUND_MAX);
    assertThat(finding.more()).isTrue();
  }

  @Test
  void a_then_task_that_its_batch_has_left_behind_is_found_and_released() {
    Batches.Opened opened = f.store.batches().open("b", Optional.of(StoreFixture.draft()));
    Batches.Opened other = f.store.batches().open("c", Optional.of(StoreFixture.draft()));
    f.store.operatorMoves().pause(other.then().getAsLong(), "kim");
    f.sql("update batch set sealed_at = '2031-03-30', ended_at = '2031-03-30'");
    Finding finding = look(Check.THEN_TASKS);
    assertThat(finding.found()).hasSize(2);
    assertThat(finding.found().getLast().detail())
        .contains("batch " + opened.batch() + " ended at");
    repairs(Check.THEN_TASKS);
    assertThat(f.state(opened.then().getAsLong())).isEqualTo(TaskState.READY);
    assertThat(f.historyIsLegal(opened.then().getAsLong())).isTrue();
    assertThat(f.state(other.then().getAsLong())).isEqualTo(TaskState.PAUSED);
    f.store.operatorMoves().resume(other.then().getAsLong(), "kim");
    assertThat(f.state(other.then().getAsLong())).isEqualTo(TaskState.READY);
  }

  @Test
  void a_then_task_whose_batch_is_gone_is_found_and_left_to_a_person() {
    long then = f.store.batches().open("b", Optional.of(StoreFixture.draft())).then().getAsLong();
    f.sql("delete from batch");
    assertThat(only(Check.THEN_TASKS).subject()).isEqualTo("task " + then);
    repairsNothing(Check.THEN_TASKS);
  }

  @Test
  void a_lease_that_nobody_took_back_is_found_after_a_minute_and_taken_back() {
    long task = f.submit();
    f.claim(node, 1);
    f.store.sessions().leave(node);
    f.pass(Duration.ofSeconds(50));
    assertThat(look(Check.LEASES).found()).as("somebody may be at it").isEmpty();
    f.pass(Duration.ofSeconds(20));
    assertThat(only(Check.LEASES).detail()).contains("task " + task, "was fenced at", "stopped");
    repairs(Check.LEASES);
    assertThat(f.state(task)).isEqualTo(TaskState.READY);
  }

  @Test
  void the_lease_of_a_silent_node_that_nobody_fenced_is_found() {
    f.submit();
    f.claim(node, 1);
    f.pass(Duration.ofSeconds(90));
    assertThat(only(Check.LEASES).detail()).contains("is silent since");
    repairsNothing(Check.LEASES);
  }

  @Test
  void a_request_that_no_attempt_can_obey_is_found_and_deleted() {
    long task = f.submit();
    f.sql(
        "insert into request values (%d, 'cancel', '%s', 'kim', '2031-03-30')"
            .formatted(task, node));
    assertThat(only(Check.REQUESTS).detail()).contains("kim asked", "to cancel");
    repairs(Check.REQUESTS);
    f.claim(node, 1);
    f.store.operatorMoves().pause(task, "kim");
    assertThat(look(Check.REQUESTS).found()).as("its attempt will obey").isEmpty();
  }

  @Test
  void progress_of_an_attempt_that_is_over_is_found_when_nobody_swept_it() {
    f.sql(
        """
        insert into running (task, lease, node, started_at, items, fraction, rate, at)
        values (7, 99, 'n', '2031-03-30 01:00+00', 1, 0, 0, '2031-03-30 01:20+00')
        """);
    assertThat(look(Check.RUNNING).found()).as("upkeep may come yet").isEmpty();
    f.pass(Duration.ofMinutes(6));
    assertThat(only(Check.RUNNING).subject()).isEqualTo("task 7");
    repairs(Check.RUNNING);
  }

  @Test
  void limits_of_a_task_that_has_ended_are_found_and_deleted() {
    TaskDraft draft = StoreFixture.limited(Limits.NONE.withTotalTimeout(Duration.ofDays(1)));
    long ended = f.submit(draft);
    f.finish(f.claimOne(node), StoreFixture.complete());
    f.submit(draft);
    f.sql(
        "insert into expiry select %d, null, null, end_by, false, look_at from expiry"
            .formatted(ended));
    assertThat(only(Check.LIMITS).detail()).contains("it is completed");
    repairs(Check.LIMITS);
    assertThat(f.count("select count(*) from expiry")).isEqualTo(1);
    f.sql("insert into expiry select 99, null, null, end_by, false, look_at from expiry");
    f.sql("select setval('task_id', 99)");
    assertThat(only(Check.LIMITS).detail()).contains("there is no such task");
    repairs(Check.LIMITS);
  }

  private static TaskDraft live(String key) {
    return new TaskDraft(
        StoreFixture.TYPE,
        "{}",
        "",
        "default",
        4,
        Optional.empty(),
        TaskKeys.NONE.withLive(key),
        OptionalLong.empty(),
        "default");
  }

  @Test
  void a_key_that_an_ended_task_holds_is_found_and_freed() {
    long task = f.submit(live("订单'1"));
    f.finish(f.claimOne(node), StoreFixture.complete());
    f.submit(live("其他"));
    f.sql(
        "insert into task_key values ('live', 'test.work', '订单''1', %d, 'infinity')"
            .formatted(task));
    assertThat(only(Check.LIVE_KEYS).detail()).contains("'订单''1'", "is completed");
    repairs(Check.LIVE_KEYS);
    assertThat(f.submit(live("订单'1"))).isNotEqualTo(task);
  }

  @Test
  void a_batch_that_miscounts_is_found_and_counted_anew() {
    long batch = f.store.batches().open("b", Optional.empty()).batch();
    f.store.batches().open("empty", Optional.empty());
    f.submit(List.of(StoreFixture.member(batch), StoreFixture.member(batch)));
    f.finish(f.claimOne(node), StoreFixture.complete());
    f.sql("update batch set total = 5, failed = 2 where id = " + batch);
    Found found = only(Check.BATCHES);
    assertThat(found.subject()).isEqualTo("batch " + batch);
    assertThat(found.detail())
        .isEqualTo("it counts 5 members, 1 completed, 2 failed, 0 cancelled; there are 2, 1, 0, 0");
    repairs(Check.BATCHES);
    Batches.Batch now = f.store.batches().find(batch).orElseThrow();
    assertThat(now.total()).isEqualTo(2);
    assertThat(now.completed()).isEqualTo(1);
    assertThat(now.failed()).isZero();
  }

  @Test
  void a_batch_that_is_complete_and_has_not_ended_is_found_and_ended() {
    Batches.Opened opened = f.store.batches().open("b", Optional.of(StoreFixture.draft()));
    f.sql("update batch set sealed_at = '2031-03-30'");
    assertThat(only(Check.BATCHES).detail()).isEqualTo("all its members have ended and it has not");
    repairs(Check.BATCHES);
    assertThat(f.state(opened.then().getAsLong())).isEqualTo(TaskState.READY);
  }

  @Test
  void a_batch_too_large_to_be_counted_that_has_not_ended_is_found_all_the_same() {
    long batch = f.store.batches().open("b", Optional.empty()).batch();
    f.sql("update batch set sealed_at = now(), total = 20001, completed = 20001");
    assertThat(only(Check.BATCHES).subject()).isEqualTo("batch " + batch);
  }

  @Test
  void a_task_that_is_put_back_keeps_its_generation_and_the_numbers_of_its_attempts() {
    long task = f.submit();
    f.finish(f.claimOne(node), new Verdict.Fail(StoreFixture.failure()));
    assertThat(f.store.operatorMoves().rerun(task, "kim")).isEqualTo(OperatorMoves.Move.DONE);
    f.sql("delete from block");
    assertThat(only(Check.HOMES).subject()).isEqualTo("task " + task);
    repairs(Check.HOMES);
    Claim claim = f.claimOne(node);
    assertThat(claim.counters().generation()).isEqualTo(2);
    assertThat(claim.counters().attempt()).isEqualTo(2);
  }

  @Test
  void a_checkpoint_of_a_task_that_is_gone_is_found_and_deleted() {
    f.submit();
    f.commitChunk(f.claimOne(node));
    f.sql("select setval('task_id', 50)");
    f.sql(
        "insert into checkpoint select 40, shard, position, read, written, skipped, rejected, lease from checkpoint");
    assertThat(only(Check.CHECKPOINTS).subject()).isEqualTo("task 40");
    repairs(Check.CHECKPOINTS);
    assertThat(f.count("select count(*) from checkpoint")).isEqualTo(1);
  }

  @Test
  void a_checkpoint_behind_one_that_was_passed_is_found() {
    f.submit();
    f.commitChunk(f.claimOne(node));
    f.sql(
        """
        insert into checkpoint_log
        select task, shard, 1, position, read + 5, written + 5, skipped, rejected, attempt, moved_at
          from checkpoint
        """);
    f.sql("update checkpoint set kept = 1");
    assertThat(only(Check.CHECKPOINTS).detail())
        .isEqualTo("shard 0: it has read 5, and had read 10 at checkpoint 1 of 1 that were kept");
    repairsNothing(Check.CHECKPOINTS);
  }

  @Test
  void a_ledger_that_does_not_balance_is_found_though_no_constraint_should_let_it_be() {
    f.submit();
    f.commitChunk(f.claimOne(node));
    f.sql("alter table checkpoint drop constraint checkpoint_check");
    try {
      f.sql("update checkpoint set read = 9");
      assertThat(only(Check.CHECKPOINTS).detail())
          .isEqualTo("shard 0: read 9 is not written 4 + skipped 0 + rejected 1");
      repairsNothing(Check.CHECKPOINTS);
    } finally {
      f.sql("delete from checkpoint");
      f.sql(
          "alter table checkpoint add constraint checkpoint_check check (read = written + skipped + rejected)");
    }
  }

  @Test
  void a_task_whose_retry_policy_is_gone_is_found_until_it_has_ended() {
    long task = f.submit();
    f.submit();
    f.sql("update task set retry = '没有' where id = " + task);
    assertThat(only(Check.RETRY_POLICIES).detail()).isEqualTo("its retry policy is '没有'");
    repairsNothing(Check.RETRY_POLICIES);
    f.finish(f.claim(node, 2), StoreFixture.complete());
    assertThat(look(Check.RETRY_POLICIES).found()).isEmpty();
  }

  @Test
  void ids_that_nearly_run_out_of_partitions_are_found_and_get_some() {
    long hi = f.count("select max(hi) from id_span");
    f.sql("select setval('task_id', %d)".formatted(hi - 10));
    assertThat(only(Check.PARTITIONS).detail()).contains("nearly used up");
    repairs(Check.PARTITIONS);
    assertThat(f.count("select max(hi) from id_span")).isGreaterThan(hi);
  }

  @Test
  void a_span_without_its_partition_is_found() {
    f.sql("alter table outcome detach partition outcome_0");
    try {
      assertThat(only(Check.PARTITIONS).detail()).contains("ids 0 to", "no partition of outcome");
      repairsNothing(Check.PARTITIONS);
    } finally {
      f.sql("alter table outcome attach partition outcome_0 for values from (0) to (1000000)");
    }
  }

  @Test
  void a_span_that_a_task_keeps_and_one_that_is_stuck_are_found() {
    f.sql("update id_span set kept_why = 'task 5 is paused' where number = 0");
    assertThat(only(Check.PARTITIONS).detail()).endsWith("are kept: task 5 is paused");
    f.sql("update id_span set keep_until = '2032-01-01' where number = 0");
    assertThat(look(Check.PARTITIONS).found()).as("only until its time comes").isEmpty();
    f.sql("update id_span set closed = 'closing', worked_at = '2031-03-29' where number = 0");
    assertThat(only(Check.PARTITIONS).detail()).contains("are being deleted");
    f.sql("update id_span set closed = null, worked_at = null where number = 0");
  }

  @Test
  void lines_of_logs_outside_every_day_are_found() {
    f.sql(
        "insert into log_line (task, attempt, at, level, text) values (1, 1, '1999-01-01', 'info', '')");
    assertThat(only(Check.PARTITIONS).detail()).contains("the first of 1999-01-01");
  }

  @Test
  void an_old_snapshot_an_idle_transaction_and_a_slot_are_found() throws SQLException {
    Doctor strict = f.store.doctor(new ServerScans.Bounds(Duration.ZERO, Duration.ZERO, 100_000));
    try (Connection c = test.connect()) {
      c.setAutoCommit(false);
      long pid = Sql.query(c, "select pg_backend_pid()", r -> r.getLong(1)).getFirst();
      Found found = strict.look(Check.SNAPSHOTS, ROWS).found().getFirst();
      assertThat(found.subject()).isEqualTo("pid " + pid);
      assertThat(found.detail()).startsWith("idle in transaction in test, of ");
      assertThat(look(Check.SNAPSHOTS).found()).as("it is young").isEmpty();
      c.rollback();
    }
    f.sql("select pg_create_physical_replication_slot('doctor_test', true)");
    try {
      assertThat(only(Check.SNAPSHOTS).subject()).isEqualTo("replication slot doctor_test");
    } finally {
      f.sql("select pg_drop_replication_slot('doctor_test')");
    }
    assertThat(strict.look(Check.SNAPSHOTS, ROWS).found()).isEmpty();
  }

  @Test
  void a_table_full_of_dead_rows_is_found() {
    Doctor strict =
        f.store.doctor(new ServerScans.Bounds(Duration.ofHours(1), Duration.ofHours(1), 2_000));
    f.sql("alter table request set (autovacuum_enabled = off)");
    try {
      f.sql(
          "insert into request select i, 'pause', '%s', 'kim', now() from generate_series(1, 3000) i"
              .formatted(node));
      f.sql("delete from request");
      f.sql("select pg_stat_force_next_flush()");
      f.sql("select 1");
      Finding finding = strict.look(Check.DEAD_ROWS, ROWS);
      assertThat(finding.found()).extracting(Found::subject).contains("table request");
      assertThat(finding.found().getFirst().detail()).contains("3000 dead rows");
    } finally {
      f.sql("vacuum request");
      f.sql("alter table request reset (autovacuum_enabled)");
    }
  }
}
