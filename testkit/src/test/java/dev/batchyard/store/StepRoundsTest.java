package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Compensations.Settled;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.Steps.Draft;
import dev.batchyard.engine.port.Steps.Found;
import dev.batchyard.engine.port.Steps.Undo;
import dev.batchyard.engine.port.UnknownSteps;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What later attempts and later rounds are told of steps. */
@PostgresTest
class StepRoundsTest {

  private static final String UNDO = "test.undo";
  private static final Verdict FAIL = new Verdict.Fail(StoreFixture.failure());

  private StoreFixture f;
  private UUID boot;
  private UnknownSteps steps;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    boot = f.node();
    steps = f.store.unknownSteps();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_step_that_is_unknown_stays_so_when_the_answer_was_lost() {
    Claim first = claim();
    begin(first, undoable("a"));
    f.finish(first, StoreFixture.retry(Duration.ZERO));
    Claim second = f.claimOne(boot);
    assertThat(begin(second, undoable("a"))).isEqualTo(new Found.Unknown());
    assertThat(begin(second, undoable("a"))).as("asked again").isEqualTo(new Found.Unknown());
  }

  @Test
  void what_was_not_undone_is_not_done_again_in_another_round() {
    Claim claim = claim();
    begin(claim, plain("fee"));
    done(claim, "fee", "{\"paid\": 3}");
    begin(claim, plain("letter"));
    begin(claim, undoable("room"));
    done(claim, "room", "{}");
    f.finish(claim, FAIL);
    f.finish(claimUndo(), StoreFixture.complete());
    f.store.operatorMoves().rerun(claim.task(), "kim");

    Claim again = f.claimOne(boot);
    assertThat(begin(again, plain("fee"))).isEqualTo(new Found.Done("{\"paid\": 3}"));
    assertThat(begin(again, undoable("room"))).as("undone").isEqualTo(new Found.Started());
    assertThat(begin(again, plain("letter"))).isEqualTo(new Found.Unknown());
    assertThat(begin(again, plain("letter"))).as("asked again").isEqualTo(new Found.Unknown());
    done(again, "letter", "{\"sent\": 1}");
    assertThat(begin(again, plain("letter"))).isEqualTo(new Found.Done("{\"sent\": 1}"));
    f.finish(again, FAIL);
    f.finish(claimUndo(), StoreFixture.complete());
    f.store.operatorMoves().rerun(claim.task(), "kim");
    Claim third = f.claimOne(boot);
    assertThat(begin(third, plain("fee"))).isEqualTo(new Found.Done("{\"paid\": 3}"));
    assertThat(begin(third, plain("letter"))).isEqualTo(new Found.Done("{\"sent\": 1}"));
  }

  private Claim claim() {
    f.submit();
    return f.claimOne(boot);
  }

  @Test
  void an_unknown_step_that_a_person_calls_done_gives_the_result_that_was_said_of_it() {
    Claim first = claim();
    begin(first, plain("座位"));
    f.finish(first, FAIL);
    assertThat(steps.done(first.task(), "座位", "{\"seat\": \"12B\"}", "kim", "asked them"))
        .isEqualTo(Move.DONE);
    assertThat(steps.done(first.task(), "座位", "{\"seat\": \"12A\"}", "lee", "读错了"))
        .as("its last word counts")
        .isEqualTo(Move.DONE);
    assertThat(f.store.compensations().of(first.task()).steps())
        .singleElement()
        .satisfies(step -> {
          assertThat(step.done()).isPresent();
          assertThat(step.settled())
              .contains(new Settled(Optional.of("done"), f.now, "lee", "读错了"));
        });
    f.store.operatorMoves().rerun(first.task(), "kim");
    Claim again = f.claimOne(boot);
    assertThat(begin(again, plain("座位"))).isEqualTo(new Found.Done("{\"seat\": \"12A\"}"));
  }

  @Test
  void an_unknown_step_that_a_person_calls_not_done_is_begun_anew_and_may_be_unknown_again() {
    Claim first = claim();
    begin(first, undoable("a"));
    f.finish(first, StoreFixture.retry(Duration.ZERO));
    assertThat(steps.notDone(first.task(), "a", "kim", "nothing came")).isEqualTo(Move.DONE);
    Claim second = f.claimOne(boot);
    Draft other = new Draft("a", Optional.of(new Undo(UNDO, "{\"step\": \"b\"}", "default")));
    assertThat(begin(second, new Draft("a", Optional.of(new Undo(UNDO, "{}", "nowhere")))))
        .isInstanceOf(Found.Refused.class);
    assertThat(begin(second, other)).as("with an undo of its own").isEqualTo(new Found.Started());
    assertThat(begin(second, other)).as("the answer was lost").isEqualTo(new Found.Started());
    f.finish(second, StoreFixture.retry(Duration.ZERO));
    Claim third = f.claimOne(boot);
    assertThat(begin(third, other)).isEqualTo(new Found.Unknown());
    f.finish(third, FAIL);
    assertThat(claimUndo().paramsJson()).isEqualTo("{\"step\": \"b\"}");
  }

  @Test
  void a_word_is_refused_where_it_is_known_better_or_comes_too_late() {
    Claim claim = claim();
    begin(claim, undoable("a"));
    assertThat(refusal(claim, "a")).contains("it runs");
    done(claim, "a", "{}");
    begin(claim, plain("b"));
    f.finish(claim, StoreFixture.retry(Duration.ofHours(1)));
    assertThat(refusal(claim, "a")).contains("an attempt has recorded it as done");
    assertThat(refusal(claim, "座位")).contains("it has 'a', 'b'");
    f.store.operatorMoves().cancel(claim.task(), "kim");
    assertThat(refusal(claim, "a")).contains("undoes it");
    assertThat(steps.notDone(claim.task(), "b", "kim", "it has no undo")).isEqualTo(Move.DONE);

    Claim completes = claim();
    assertThat(refusal(completes, "a")).contains("it has no durable step");
    begin(completes, plain("a"));
    f.finish(completes, StoreFixture.complete());
    assertThat(refusal(completes, "a")).contains("it is completed");
    assertThat(steps.notDone(4711, "a", "kim", "why")).isEqualTo(Move.NOT_FOUND);
    assertThatThrownBy(() -> steps.notDone(claim.task(), "b", "kim", " "))
        .hasMessageContaining("1 to 500 characters");
    String large = "{\"text\": \"" + "x".repeat(65_536) + "\"}";
    assertThatThrownBy(() -> steps.done(claim.task(), "b", large, "kim", "why"))
        .hasMessageContaining("at most 65536");
  }

  private String refusal(Claim claim, String step) {
    return String.valueOf(
        catchThrowableOfType(
                MoveRefused.class, () -> steps.notDone(claim.task(), step, "kim", "why"))
            .getMessage());
  }

  private Claim claimUndo() {
    UUID token = new UUID(f.random.nextLong(), f.random.nextLong());
    return f.store.claims().claim(boot, token, Map.of(UNDO, 500), 500, true).getFirst();
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

  private void done(Claim claim, String name, String result) {
    f.store.steps().done(lease(claim), name, result);
  }
}
