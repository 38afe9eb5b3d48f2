package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Compensations.State;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Doctor.Finding;
import dev.batchyard.engine.port.Doctor.Found;
import dev.batchyard.engine.port.Steps.Draft;
import dev.batchyard.engine.port.Steps.Undo;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Undoing that stands still is found, however it came to that, and a repair lets it go on. */
@PostgresTest
class DoctorStepsTest {

  private static final String UNDO = "test.undo";
  private static final Verdict FAIL = new Verdict.Fail(StoreFixture.failure());

  private StoreFixture f;
  private Doctor doctor;
  private UUID boot;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    doctor = f.store.doctor();
    boot = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void nothing_is_found_while_undos_wait_run_rest_need_a_person_or_are_done() {
    Claim runs = claimWith("a", "b");
    nothingIsFound();
    f.finish(runs, FAIL);
    nothingIsFound();
    Claim undo = claimUndo();
    nothingIsFound();
    f.finish(undo, FAIL);
    nothingIsFound();
    f.store.operatorMoves().rerun(undo.task(), "kim");
    f.store.operatorMoves().pause(undo.task(), "kim");
    nothingIsFound();
    f.store.operatorMoves().resume(undo.task(), "kim");
    f.finish(claimUndo(), StoreFixture.complete());
    f.finish(claimUndo(), StoreFixture.complete());
    nothingIsFound();
    assertThat(look().looked()).isEqualTo(2);
    f.store.operatorMoves().rerun(runs.task(), "kim");
    f.finish(f.claimOne(boot), StoreFixture.complete());
    nothingIsFound();
  }

  @Test
  void an_undo_whose_turn_has_come_unseen_is_found_and_comes_to_it() {
    Claim failed = fail("退房", "b");
    Claim last = claimUndo();
    withoutUndoNext(() -> f.finish(last, StoreFixture.complete()));
    assertThat(claimUndos()).isEmpty();

    assertThat(only().detail())
        .isEqualTo(
            "task %d is to undo its step 'b' and is completed, and the compensation is undoing"
                .formatted(last.task()));
    repairs();
    goesOn(failed, 1);
    f.store.compensations().of(failed.task()).steps().stream()
        .map(step -> step.undo().orElseThrow().task().getAsLong())
        .forEach(undo -> assertThat(f.historyIsLegal(undo)).isTrue());
  }

  @Test
  void an_undo_that_stayed_blocked_at_its_turn_is_found_and_released() {
    Claim failed = fail("退房", "b");
    f.finish(claimUndo(), StoreFixture.complete());
    Claim first = claimUndo();
    f.sql("delete from lease");
    f.sql(
        """
        insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes, generation, by, at)
        select id, 'blocked', 'blocked', 'new', lane, submitted_at, 0, 0, 0, 1, 'undo', submitted_at
          from task where id = %d
        """
            .formatted(first.task()));
    assertThat(only().detail()).contains("'退房' and is blocked");
    f.store.operatorMoves().pause(first.task(), "kim");
    assertThat(only().subject()).as("it is paused too").isEqualTo("task " + failed.task());
    f.store.operatorMoves().resume(first.task(), "kim");
    repairs();
    goesOn(failed, 1);
  }

  @Test
  void an_undo_that_failed_without_a_word_is_found_and_shown_to_people() {
    Claim failed = fail("a", "b");
    Claim undo = claimUndo();
    withoutUndoNext(() -> f.finish(undo, FAIL));
    assertThat(only().detail()).endsWith("is failed, and the compensation is undoing");
    repairs();
    assertThat(state(failed)).isEqualTo(State.NEEDS_PERSON);
    f.sql("update compensation set state = 'undone'");
    assertThat(only().detail()).endsWith("is failed, and the compensation is undone");
    repairs();
    assertThat(state(failed)).isEqualTo(State.NEEDS_PERSON);
  }

  @Test
  void one_that_needs_nobody_any_more_is_found_and_counts_as_such() {
    Claim failed = fail("a");
    f.sql("update compensation set state = 'needs_person'");
    assertThat(only().detail()).endsWith("is live, and the compensation is needs_person");
    repairs();
    goesOn(failed, 1);
    f.sql("update compensation set state = 'undoing'");
    assertThat(only().detail()).isEqualTo("all its steps are undone, and it counts as undoing");
    repairs();
    assertThat(state(failed)).isEqualTo(State.UNDONE);
  }

  @Test
  void a_task_that_failed_and_whose_steps_nobody_undoes_is_found_and_undone() {
    Claim failed = claimWith("a", "b", "c");
    f.finish(failed, StoreFixture.complete());
    f.sql("update outcome set state = 'failed'");
    assertThat(only().detail()).isEqualTo("it is failed, and nothing undoes its step 'c'");
    repairs();
    goesOn(failed, 3);
  }

  @Test
  void an_undo_in_no_home_is_put_back_in_its_line_once_it_is_at_its_turn() {
    Claim failed = fail("a", "b");
    Claim undo = claimUndo();
    f.sql("delete from parked");
    assertThat(doctor.repair(doctor.look(Check.HOMES, Doctor.ROWS))).as("not its turn").isEmpty();
    f.finish(undo, StoreFixture.complete());
    assertThat(look().found())
        .singleElement()
        .extracting(Found::detail)
        .asString()
        .contains("'a' and is in no home");
    assertThat(doctor.repair(look())).isEmpty();
    Finding homeless = doctor.look(Check.HOMES, Doctor.ROWS);
    assertThat(doctor.repair(homeless)).isEqualTo(homeless.found()).hasSize(1);
    goesOn(failed, 1);
  }

  @Test
  void an_undo_that_is_no_task_is_found_and_left_to_a_person() {
    fail("a");
    f.sql("delete from block");
    f.sql("delete from task where flags & 16 <> 0");
    assertThat(only().detail()).contains("there is no such task");
    assertThat(doctor.repair(look())).isEmpty();
  }

  @Test
  void of_many_rounds_over_several_pages_each_is_told_once() {
    f.sql(
        """
        insert into step (task, round, number, name, lease, started_at, undo_type, undo_params, undo_retry, undo_task, undone_at)
        select 1 + i / 10, 1, 1 + i %% 10, 's' || i, 1, now(), 'test.undo', '{}', 'default', 100000 + i,
               case when i / 10 %% 100 > 0 or i %% 10 > 2 then now() end
          from generate_series(0, %d) i
        """
            .formatted(2 * TaskScans.ROWS + 3));
    f.sql("select setval('task_id', 90000)");
    Finding finding = look();
    assertThat(finding.looked()).isEqualTo(2L * TaskScans.ROWS + 4);
    assertThat(finding.found())
        .extracting(Found::subject)
        .hasSize(11)
        .startsWith("task 1001", "task 901")
        .endsWith("task 101", "task 1");
    assertThat(finding.found())
        .extracting(Found::detail)
        .allSatisfy(detail -> assertThat(detail).contains("2'"));
  }

  private Finding look() {
    return doctor.look(Check.COMPENSATIONS, Doctor.ROWS);
  }

  private Found only() {
    for (Check each : EnumSet.complementOf(EnumSet.of(Check.COMPENSATIONS, Check.SETTINGS))) {
      assertThat(doctor.look(each, Doctor.ROWS)).as(each.word()).matches(Finding::fine);
    }
    Finding finding = look();
    assertThat(finding.problem()).isEmpty();
    assertThat(finding.found()).hasSize(1);
    return finding.found().getFirst();
  }

  private void nothingIsFound() {
    assertThat(look()).matches(Finding::fine).matches(Finding::complete);
  }

  private void repairs() {
    Finding finding = look();
    assertThat(doctor.repair(finding)).isEqualTo(finding.found());
    nothingIsFound();
  }

  /** So many steps are left, and are undone one after the other. */
  private void goesOn(Claim failed, int steps) {
    for (int n = 0; n < steps; n++) {
      f.finish(claimUndo(), StoreFixture.complete());
    }
    assertThat(claimUndos()).isEmpty();
    assertThat(state(failed)).isEqualTo(State.UNDONE);
    assertThat(f.state(failed.task())).isEqualTo(TaskState.FAILED);
  }

  private State state(Claim failed) {
    return f.store.compensations().of(failed.task()).compensation().orElseThrow().state();
  }

  /** The steps are hidden from what ends tasks meanwhile. */
  private void withoutUndoNext(Runnable work) {
    f.sql("update step set undo_task = undo_task + 1000000");
    work.run();
    f.sql("update step set undo_task = undo_task - 1000000");
  }

  private Claim fail(String... names) {
    Claim claim = claimWith(names);
    f.finish(claim, FAIL);
    return claim;
  }

  private Claim claimWith(String... names) {
    f.submit();
    Claim claim = f.claimOne(boot);
    for (String name : names) {
      LeaseToken lease = new LeaseToken(claim.task(), claim.counters().attempt(), claim.token());
      Undo undo = new Undo(UNDO, "{}", "default");
      f.store.steps().begin(lease, new Draft(name, Optional.of(undo)), false);
      f.store.steps().done(lease, name, "{}");
    }
    return claim;
  }

  private List<Claim> claimUndos() {
    UUID token = new UUID(f.random.nextLong(), f.random.nextLong());
    return f.store.claims().claim(boot, token, Map.of(UNDO, 500), 500, true);
  }

  private Claim claimUndo() {
    List<Claim> claims = claimUndos();
    assertThat(claims).hasSize(1);
    return claims.getFirst();
  }
}
