package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Steps.Draft;
import dev.batchyard.engine.port.Steps.Found;
import dev.batchyard.engine.port.Steps.Undo;
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
