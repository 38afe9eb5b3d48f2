package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.DurableStep;
import dev.batchyard.api.LeaseLost;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.BulkReruns.Filter;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Compensations.Compensation;
import dev.batchyard.engine.port.Compensations.State;
import dev.batchyard.engine.port.Compensations.StepUndo;
import dev.batchyard.engine.port.Compensations.TaskSteps;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.Steps.Draft;
import dev.batchyard.engine.port.Steps.Found;
import dev.batchyard.engine.port.Steps.Undo;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class StepsTest {

  private static final String UNDO = "test.undo";
  private static final Verdict FAIL = new Verdict.Fail(StoreFixture.failure());

  private StoreFixture f;
  private UUID boot;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    boot = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_step_is_started_then_done_and_a_later_attempt_is_given_its_result() {
    Claim first = claim();
    assertThat(begin(first, undoable("预订"))).isEqualTo(new Found.Started());
    done(first, "预订", "{\"number\": 7}");
    f.finish(first, StoreFixture.retry(Duration.ZERO));

    Claim second = f.claimOne(boot);
    assertThat(begin(second, undoable("预订"))).isEqualTo(new Found.Done("{\"number\": 7}"));
    assertThat(begin(second, plain("pay"))).isEqualTo(new Found.Started());
    f.finish(second, StoreFixture.complete());
    TaskSteps steps = steps(first.task());
    assertThat(steps.steps()).extracting(s -> s.number() + s.name()).containsExactly("1预订", "2pay");
    assertThat(steps.steps().getLast().done()).isEmpty();
    assertThat(steps.compensation()).as("it completed").isEmpty();
    assertThat(f.count("select count(*) from task")).isEqualTo(1);
  }

  @Test
  void a_step_that_another_attempt_started_is_unknown_but_one_whose_answer_was_lost_is_not() {
    Claim first = claim();
    begin(first, undoable("a"));
    assertThat(begin(first, undoable("a")))
        .as("the answer was lost")
        .isEqualTo(new Found.Started());
    assertThat(f.store.steps().begin(lease(first), undoable("a"), true))
        .as("its action threw")
        .isEqualTo(new Found.Unknown());
    f.finish(first, StoreFixture.retry(Duration.ZERO));
    Claim second = f.claimOne(boot);
    assertThat(begin(second, undoable("a"))).isEqualTo(new Found.Unknown());
    done(second, "a", "{}");
    done(second, "a", "{\"again\": 1}");
    assertThat(begin(second, undoable("a")))
        .as("the first result stays")
        .isEqualTo(new Found.Done("{}"));
  }

  @Test
  void an_attempt_that_lost_its_lease_writes_nothing() {
    Claim first = claim();
    begin(first, undoable("a"));
    f.kill(boot);
    boot = f.node();
    Claim second = f.claimOne(boot);
    assertThatThrownBy(() -> begin(first, undoable("b"))).isInstanceOf(LeaseLost.class);
    assertThatThrownBy(() -> done(first, "a", "{}")).isInstanceOf(LeaseLost.class);
    assertThat(steps(first.task()).steps()).hasSize(1);
    assertThat(steps(first.task()).steps().getFirst().done()).isEmpty();
    assertThat(begin(second, undoable("a"))).isEqualTo(new Found.Unknown());
  }

  @Test
  void what_cannot_be_begun_says_why_and_leaves_nothing() {
    Claim claim = claim();
    Draft nowhere = new Draft("a", Optional.of(new Undo(UNDO, "{}", "nowhere")));
    assertThat(refused(claim, nowhere)).contains("'a'", "'nowhere'");
    assertThat(steps(claim.task()).steps()).isEmpty();

    begin(claim, undoable("a"));
    f.finish(claim, StoreFixture.retry(Duration.ZERO));
    Claim again = f.claimOne(boot);
    Draft other = new Draft("a", Optional.of(new Undo(UNDO, "{\"step\": \"b\"}", "default")));
    assertThat(refused(again, other)).contains("test.undo {\"step\": \"a\"}", "{\"step\": \"b\"}");
    assertThat(refused(again, plain("a"))).contains("of nothing");

    for (int n = 2; n <= DurableStep.STEPS_MAX; n++) {
      assertThat(begin(again, plain("s" + n))).isEqualTo(new Found.Started());
    }
    assertThat(refused(again, plain("too many"))).contains("100 steps");
  }

  @Test
  void a_task_that_fails_has_its_steps_undone_in_reverse_each_after_the_one_before() {
    Claim claim = claimWith("a", "b", "c");
    f.finish(claim, FAIL);
    assertThat(undoStates(claim)).containsExactly("a blocked", "b blocked", "c ready");
    assertThat(compensation(claim).state()).isEqualTo(State.UNDOING);

    for (String step : List.of("c", "b", "a")) {
      Claim undo = claimUndo();
      assertThat(f.detail(undo.task()).row().label()).isEqualTo(step);
      assertThat(undo.paramsJson()).isEqualTo("{\"step\": \"%s\"}".formatted(step));
      assertThat(steps(undo.task()).undoes().orElseThrow().step()).isEqualTo(step);
      assertThat(claimUndos()).as("one at a time").isEmpty();
      f.finish(undo, StoreFixture.complete());
      assertThat(f.historyIsLegal(undo.task())).isTrue();
    }
    assertThat(claimUndos()).isEmpty();
    assertThat(undoStates(claim)).containsExactly("a completed", "b completed", "c completed");
    assertThat(compensation(claim).state()).isEqualTo(State.UNDONE);
    assertThat(compensation(claim).turn()).isEmpty();
    assertThat(f.state(claim.task())).isEqualTo(TaskState.FAILED);
  }

  @Test
  void a_step_that_is_unknown_is_undone_and_one_without_an_undo_is_not() {
    Claim claim = claim();
    begin(claim, undoable("a"));
    begin(claim, plain("b"));
    done(claim, "b", "{}");
    f.finish(claim, FAIL);
    assertThat(undoStates(claim)).containsExactly("a ready");
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(compensation(claim).state()).isEqualTo(State.UNDONE);

    Claim other = claim();
    begin(other, plain("b"));
    f.finish(other, FAIL);
    assertThat(steps(other.task()).compensation()).as("nothing to undo").isEmpty();
  }

  @Test
  void whatever_ends_a_task_badly_undoes_its_steps() {
    Claim obeys = claimWith("a");
    assertThat(f.store.operatorMoves().cancel(obeys.task(), "kim")).isEqualTo(Move.REQUESTED);
    f.finish(obeys, new Verdict.Cancel());

    Claim waits = claimWith("a");
    f.finish(waits, StoreFixture.retry(Duration.ofHours(1)));
    assertThat(f.store.operatorMoves().cancel(waits.task(), "kim")).isEqualTo(Move.DONE);

    Claim parked = claimWith("a");
    f.store.operatorMoves().pause(parked.task(), "kim");
    f.finish(parked, new Verdict.Pause());
    assertThat(f.state(parked.task())).isEqualTo(TaskState.PAUSED);
    assertThat(f.store.operatorMoves().cancel(parked.task(), "kim")).isEqualTo(Move.DONE);

    Claim orphan = claimWith("a");
    f.store.operatorMoves().cancel(orphan.task(), "kim");
    f.kill(boot);
    assertThat(f.state(orphan.task())).isEqualTo(TaskState.CANCELLED);

    long deadly = f.submit();
    for (int death = 0; death < 3; death++) {
      boot = f.node();
      begin(f.claimOne(boot), undoable("a"));
      f.kill(boot);
    }
    assertThat(f.state(deadly)).isEqualTo(TaskState.QUARANTINED);
    boot = f.node();

    long late =
        f.submit(
            StoreFixture.limited(
                dev.batchyard.api.Limits.NONE.withTotalTimeout(Duration.ofMinutes(1))));
    Claim timed = f.claimOne(boot);
    begin(timed, undoable("a"));
    f.finish(timed, StoreFixture.retry(Duration.ofHours(1)));
    f.pass(Duration.ofMinutes(2));
    f.store.expiries().expire();
    assertThat(f.state(late)).isEqualTo(TaskState.FAILED);

    for (long task :
        List.of(obeys.task(), waits.task(), parked.task(), orphan.task(), deadly, late)) {
      assertThat(steps(task).compensation()).as("task " + task).isPresent();
      assertThat(f.historyIsLegal(task)).isTrue();
    }
    assertThat(claimUndos()).hasSize(6);
    assertThat(f.count("select count(*) from task where flags & 16 <> 0")).isEqualTo(6);
  }

  @Test
  void an_undo_that_fails_for_good_is_work_for_a_person_until_it_has_run_again() {
    Claim claim = claimWith("a", "b");
    f.finish(claim, FAIL);
    Claim undo = claimUndo();
    f.finish(undo, FAIL);
    assertThat(compensation(claim).state()).isEqualTo(State.NEEDS_PERSON);
    assertThat(compensation(claim).turn().orElseThrow().task()).isEqualTo(undo.task());
    assertThat(compensation(claim).turn().orElseThrow().problem()).isEqualTo("坏了");
    assertThat(claimUndos()).as("the others wait").isEmpty();
    assertThat(list(Set.of(State.NEEDS_PERSON))).containsExactly(claim.task());
    assertThat(list(Set.of(State.UNDOING))).isEmpty();
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(claim.task(), "kim"))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContaining("task " + undo.task())
        .hasMessageContaining("needs a person");

    assertThat(f.store.operatorMoves().rerun(undo.task(), "kim")).isEqualTo(Move.DONE);
    assertThat(compensation(claim).state()).isEqualTo(State.UNDOING);
    Claim again = claimUndo();
    assertThat(again.task()).isEqualTo(undo.task());
    f.finish(again, StoreFixture.retry(Duration.ZERO));
    assertThat(compensation(claim).state()).as("its own retries").isEqualTo(State.UNDOING);
    f.finish(claimUndo(), StoreFixture.complete());
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(compensation(claim).state()).isEqualTo(State.UNDONE);
    assertThat(list(Set.of(State.NEEDS_PERSON, State.UNDOING))).isEmpty();
    assertThat(list(Set.of())).containsExactly(claim.task());
  }

  @Test
  void one_that_a_person_has_marked_as_completed_lets_the_others_go_on() {
    Claim claim = claimWith("a", "b");
    f.finish(claim, FAIL);
    Claim undo = claimUndo();
    f.finish(undo, FAIL);
    assertThatThrownBy(() -> f.store.operatorMoves().markCompleted(claim.task(), "kim", "fine"))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContaining("task " + undo.task());
    assertThat(f.store.operatorMoves().markCompleted(undo.task(), "kim", "由人工退款"))
        .isEqualTo(Move.DONE);
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(compensation(claim).state()).isEqualTo(State.UNDONE);
  }

  @Test
  void a_failed_task_may_be_marked_as_completed_when_all_is_undone_and_stays_undone() {
    Claim claim = claimWith("a");
    f.finish(claim, FAIL);
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(f.store.operatorMoves().markCompleted(claim.task(), "kim", "已人工重新预订"))
        .isEqualTo(Move.DONE);
    assertThat(compensation(claim).state()).isEqualTo(State.UNDONE);
    assertThat(claimUndos()).isEmpty();
  }

  @Test
  void nothing_that_is_being_undone_runs_again_in_bulk() {
    Claim claim = claimWith("a");
    f.finish(claim, FAIL);
    Filter failed =
        new Filter(
            Set.of(TaskState.FAILED),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
    assertThat(f.store.bulkReruns().wouldRerun(failed, 0, 10).moved()).isZero();
    assertThat(f.store.bulkReruns().rerun(failed, 0, 10, "kim", "again").refused())
        .singleElement()
        .satisfies(refused -> assertThat(refused.why()).contains("are being undone"));
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(f.store.bulkReruns().rerun(failed, 0, 10, "kim", "again").moved()).isEqualTo(1);
  }

  @Test
  void an_undo_that_was_cancelled_before_its_turn_stops_the_others_when_it_comes() {
    Claim claim = claimWith("a", "b", "c");
    f.finish(claim, FAIL);
    long second = undos(claim).get(1);
    assertThat(f.store.operatorMoves().cancel(second, "kim")).isEqualTo(Move.DONE);
    assertThat(compensation(claim).state()).isEqualTo(State.UNDOING);
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(second, "kim"))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContaining("it is not its turn");

    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(compensation(claim).state()).isEqualTo(State.NEEDS_PERSON);
    assertThat(claimUndos()).isEmpty();
    assertThat(f.store.operatorMoves().rerun(second, "kim")).isEqualTo(Move.DONE);
    f.finish(claimUndo(), StoreFixture.complete());
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(compensation(claim).state()).isEqualTo(State.UNDONE);
    undos(claim).forEach(undo -> assertThat(f.historyIsLegal(undo)).isTrue());
  }

  @Test
  void one_that_is_paused_before_its_turn_is_at_it_when_it_is_resumed() {
    Claim claim = claimWith("a", "b");
    f.finish(claim, FAIL);
    long first = undos(claim).getFirst();
    f.store.operatorMoves().pause(first, "kim");
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(claimUndos()).isEmpty();
    assertThat(f.store.operatorMoves().resume(first, "kim")).isEqualTo(Move.DONE);
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(compensation(claim).state()).isEqualTo(State.UNDONE);
  }

  @Test
  void a_task_runs_again_when_it_is_undone_and_its_steps_begin_anew() {
    Claim claim = claimWith("a");
    f.finish(claim, FAIL);
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(claim.task(), "kim"))
        .isInstanceOf(MoveRefused.class)
        .hasMessageContaining(
            "are being undone, at present 'a' by task " + undos(claim).getFirst());
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(f.store.operatorMoves().rerun(claim.task(), "kim")).isEqualTo(Move.DONE);

    Claim again = f.claimOne(boot);
    assertThat(begin(again, undoable("a"))).isEqualTo(new Found.Started());
    f.finish(again, FAIL);
    assertThat(compensation(claim).round()).isEqualTo(2);
    assertThat(list(Set.of())).as("the last of each task").containsExactly(claim.task());
    f.finish(claimUndo(), StoreFixture.complete());
    assertThat(compensation(claim).state()).isEqualTo(State.UNDONE);
    assertThat(undos(claim)).doesNotHaveDuplicates().hasSize(2);
  }

  @Test
  void a_task_whose_steps_have_no_undo_goes_on_after_those_that_are_done() {
    Claim claim = claim();
    begin(claim, plain("pay"));
    done(claim, "pay", "{}");
    f.finish(claim, FAIL);
    assertThat(f.store.operatorMoves().rerun(claim.task(), "kim")).isEqualTo(Move.DONE);
    assertThat(begin(f.claimOne(boot), plain("pay"))).isEqualTo(new Found.Done("{}"));
  }

  @Test
  void an_end_that_is_sent_again_makes_no_undo_twice() {
    Claim claim = claimWith("a", "b");
    f.finish(claim, FAIL);
    f.finish(claim, FAIL);
    assertThat(f.count("select undo(array[?]::bigint[], null)", claim.task())).isZero();
    Claim undo = claimUndo();
    f.finish(undo, StoreFixture.complete());
    f.finish(undo, StoreFixture.complete());
    assertThat(f.count("select undo_ended(array[?]::bigint[], null)", undo.task())).isZero();
    assertThat(f.count("select count(*) from task where flags & 16 <> 0")).isEqualTo(2);
    assertThat(undoStates(claim)).containsExactly("a ready", "b completed");
  }

  @Test
  void many_tasks_of_one_lease_are_undone_each_by_itself() {
    f.submit(20);
    List<Claim> claims = f.claim(boot, 20);
    claims.forEach(claim -> List.of("a", "b").forEach(name -> begin(claim, undoable(name))));
    f.finish(claims.subList(0, 10), FAIL);
    f.finish(claims.subList(10, 20), StoreFixture.complete());
    for (int turn = 0; turn < 2; turn++) {
      List<Claim> undos = claimUndos();
      assertThat(undos).hasSize(10);
      f.finish(undos, StoreFixture.complete());
    }
    assertThat(claimUndos()).isEmpty();
    assertThat(f.count("select count(*) from compensation where state = 'undone'")).isEqualTo(10);
  }

  @Test
  void an_undo_whose_policy_is_no_more_has_the_critical_one() {
    f.sql("insert into retry_policy values ('brief', 0, 'linear', '0 s', '0 s')");
    Claim claim = claim();
    begin(claim, new Draft("a", Optional.of(new Undo(UNDO, "{}", "brief"))));
    f.sql("delete from retry_policy where name = 'brief'");
    f.finish(claim, FAIL);
    assertThat(claimUndo().retry().name()).isEqualTo("critical");
  }

  @Test
  void pages_of_compensations_lead_on() {
    f.submit(3);
    List<Claim> claims = f.claim(boot, 3);
    claims.forEach(claim -> begin(claim, undoable("a")));
    f.finish(claims, FAIL);
    var first = f.store.compensations().list(Set.of(State.UNDOING), OptionalLong.empty(), 2);
    assertThat(first.rows()).extracting(Compensation::task).containsExactly(3L, 2L);
    var rest = f.store.compensations().list(Set.of(State.UNDOING), first.next(), 2);
    assertThat(rest.rows()).extracting(Compensation::task).containsExactly(1L);
    assertThat(rest.next()).isEmpty();
  }

  private Claim claim() {
    f.submit();
    return f.claimOne(boot);
  }

  /** A running task that has done these steps. */
  private Claim claimWith(String... names) {
    Claim claim = claim();
    for (String name : names) {
      begin(claim, undoable(name));
      done(claim, name, "{}");
    }
    return claim;
  }

  private static Draft undoable(String name) {
    return new Draft(
        name, Optional.of(new Undo(UNDO, "{\"step\": \"%s\"}".formatted(name), "default")));
  }

  private static Draft plain(String name) {
    return new Draft(name, Optional.empty());
  }

  private static LeaseToken lease(Claim claim) {
    return new LeaseToken(claim.task(), claim.counters().attempt(), claim.token());
  }

  private Found begin(Claim claim, Draft step) {
    return f.store.steps().begin(lease(claim), step, false);
  }

  private String refused(Claim claim, Draft step) {
    Found found = begin(claim, step);
    assertThat(found).isInstanceOf(Found.Refused.class);
    return ((Found.Refused) found).why();
  }

  private void done(Claim claim, String name, String result) {
    f.store.steps().done(lease(claim), name, result);
  }

  private List<Claim> claimUndos() {
    return f.store
        .claims()
        .claim(
            boot, new UUID(f.random.nextLong(), f.random.nextLong()), Map.of(UNDO, 500), 500, true);
  }

  private Claim claimUndo() {
    List<Claim> claims = claimUndos();
    assertThat(claims).hasSize(1);
    return claims.getFirst();
  }

  private TaskSteps steps(long task) {
    return f.store.compensations().of(task);
  }

  private Compensation compensation(Claim claim) {
    return steps(claim.task()).compensation().orElseThrow();
  }

  private List<Long> undos(Claim claim) {
    return undoRows(claim).map(undo -> undo.task().orElseThrow()).toList();
  }

  private Stream<StepUndo> undoRows(Claim claim) {
    return steps(claim.task()).steps().stream().flatMap(step -> step.undo().stream());
  }

  /** The steps in order, each with the state of its undo. */
  private List<String> undoStates(Claim claim) {
    return steps(claim.task()).steps().stream()
        .filter(step -> step.undo().isPresent())
        .map(s -> s.name() + " " + s.undo().orElseThrow().state().orElseThrow().word())
        .toList();
  }

  private List<Long> list(Set<State> states) {
    return f.store.compensations().list(states, OptionalLong.empty(), 10).rows().stream()
        .map(Compensation::task)
        .toList();
  }
}
