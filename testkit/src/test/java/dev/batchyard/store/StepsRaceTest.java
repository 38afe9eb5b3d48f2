package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Compensations.State;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Undo tasks that a node ends while persons cancel, pause, resume and rerun them. */
@PostgresTest
final class StepsRaceTest {

  private static final int TASKS = 30;
  private static final int STEPS = 4;
  private static final int PERSONS = 3;
  private static final int ROUNDS = 150;
  private static final String UNDO = "test.undo";

  @Test
  void whatever_persons_do_meanwhile_each_step_is_undone_once_and_in_reverse(TestDatabase test)
      throws Exception {
    try (StoreFixture f = new StoreFixture(test);
        ExecutorService persons = Executors.newFixedThreadPool(PERSONS)) {
      UUID boot = f.node();
      failWithSteps(f, boot);
      List<Long> undos = undos(f);
      assertThat(undos).hasSize(TASKS * STEPS);
      AtomicBoolean over = new AtomicBoolean();
      List<Future<Integer>> meddling = new ArrayList<>();
      for (int seed = 0; seed < PERSONS; seed++) {
        meddling.add(persons.submit(meddler(f, undos, new Random(seed), over)));
      }
      List<Long> completed = new ArrayList<>();
      Random random = new Random(11);
      for (int round = 0; round < ROUNDS; round++) {
        endSome(f, boot, completed, random.nextInt(3) == 0);
      }
      over.set(true);
      for (Future<Integer> each : meddling) {
        assertThat(each.get()).isPositive();
      }
      settle(f, boot, undos, completed);

      assertThat(completed).doesNotHaveDuplicates().hasSize(TASKS * STEPS);
      // the ids of one task's undos grow from its last step to its first
      for (int first = 0; first < undos.size(); first += STEPS) {
        List<Long> ofTask = undos.subList(first, first + STEPS);
        assertThat(completed.stream().filter(ofTask::contains)).containsExactlyElementsOf(ofTask);
      }
    }
  }

  private static void failWithSteps(StoreFixture f, UUID boot) {
    f.submit(TASKS);
    List<Claim> claims = f.claim(boot, TASKS);
    for (Claim claim : claims) {
      for (int step = 1; step <= STEPS; step++) {
        var _ =
            f.store
                .steps()
                .begin(
                    new LeaseToken(claim.task(), 1, claim.token()),
                    new Steps.Draft("s" + step, Optional.of(new Steps.Undo(UNDO, "{}", "default"))),
                    false);
      }
    }
    f.finish(claims, new Verdict.Fail(StoreFixture.failure()));
  }

  private static List<Long> undos(StoreFixture f) {
    return new Db(f.source, f.random)
        .query("select undo_task from step order by task, number desc", r -> r.getLong(1));
  }

  private static void endSome(StoreFixture f, UUID boot, List<Long> completed, boolean badly) {
    UUID token = new UUID(f.random.nextLong(), f.random.nextLong());
    List<Claim> claims = f.store.claims().claim(boot, token, Map.of(UNDO, 500), 10, true);
    if (claims.isEmpty()) {
      return;
    }
    Verdict verdict = badly ? new Verdict.Fail(StoreFixture.failure()) : new Verdict.Complete("{}");
    assertThat(f.finish(claims, verdict).kept()).hasSize(claims.size());
    if (!badly) {
      claims.stream().map(Claim::task).forEach(completed::add);
    }
  }

  private static Callable<Integer> meddler(
      StoreFixture f, List<Long> undos, Random random, AtomicBoolean over) {
    return () -> {
      int moves = 0;
      while (!over.get() || moves == 0) {
        meddle(f.store.operatorMoves(), undos.get(random.nextInt(undos.size())), random);
        moves++;
      }
      return moves;
    };
  }

  private static void meddle(OperatorMoves moves, long undo, Random random) {
    try {
      switch (random.nextInt(4)) {
        case 0 -> moves.cancel(undo, "kim");
        case 1 -> moves.pause(undo, "kim");
        case 2 -> moves.resume(undo, "kim");
        default -> moves.rerun(undo, "kim");
      }
    } catch (MoveRefused e) {
      assertThat(e).hasMessageContaining("it is not its turn");
    }
  }

  /** Does what undos need a person for, until there is none. */
  private static void settle(StoreFixture f, UUID boot, List<Long> undos, List<Long> completed) {
    OperatorMoves moves = f.store.operatorMoves();
    Set<State> open = Set.of(State.UNDOING, State.NEEDS_PERSON);
    for (int rounds = 0; rounds < ROUNDS; rounds++) {
      undos.forEach(undo -> moves.resume(undo, "kim"));
      var page = f.store.compensations().list(open, OptionalLong.empty(), TASKS);
      if (page.rows().isEmpty()) {
        return;
      }
      page.rows().stream()
          .filter(row -> row.state() == State.NEEDS_PERSON)
          .forEach(row -> moves.rerun(row.turn().orElseThrow().task(), "kim"));
      f.pass(Duration.ofMillis(1));
      endSome(f, boot, completed, false);
    }
    throw new AssertionError("it has not come to an end");
  }
}
