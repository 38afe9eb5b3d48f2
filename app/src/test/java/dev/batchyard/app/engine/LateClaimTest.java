package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.engine.run.EnginePorts;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A claim whose answer comes when its node has begun to stop. */
@PostgresTest
class LateClaimTest {

  private final TestDatabase database;
  private final AtomicInteger calls = new AtomicInteger();

  LateClaimTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void what_it_brings_goes_back_without_its_handler() throws Exception {
    CountDownLatch claimed = new CountDownLatch(1);
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.count",
                1,
                (p, c) -> {
                  calls.incrementAndGet();
                  return Outcome.completed();
                }))) {
      long task = nodes.submitter().submit(NewTask.of("t.count", new Nodes.Numbered(1))).task();
      Engine engine = nodes.start("a", ports -> slow(ports, claimed));
      claimed.await();
      engine.close();
      assertThat(calls).hasValue(0);
      TaskDetail detail = nodes.client().taskViews().find(task).orElseThrow();
      assertThat(detail.row().state()).isEqualTo(TaskState.READY);
      assertThat(detail.attempts()).extracting(Attempt::ended).containsExactly("released");
      assertThat(detail.attempts().getFirst().started()).as("it never began").isEmpty();
    }
  }

  @Test
  void what_a_lost_answer_brought_goes_back_with_the_stop() throws Exception {
    CountDownLatch claimed = new CountDownLatch(1);
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.lost",
                1,
                (p, c) -> {
                  calls.incrementAndGet();
                  return Outcome.completed();
                }))) {
      long task = nodes.submitter().submit(NewTask.of("t.lost", new Nodes.Numbered(1))).task();
      Engine engine =
          nodes.start("a", ports -> with(ports, new AnswerLost(ports.claims(), claimed)));
      claimed.await();
      engine.close();
      assertThat(calls).hasValue(0);
      TaskDetail detail = nodes.client().taskViews().find(task).orElseThrow();
      assertThat(detail.row().state()).isEqualTo(TaskState.READY);
      assertThat(detail.attempts()).extracting(Attempt::ended).containsOnly("released");
      assertThat(detail.row().counters().crashes()).isZero();
    }
  }

  private static EnginePorts slow(EnginePorts ports, CountDownLatch claimed) {
    return with(ports, new Late(ports.claims(), claimed));
  }

  private static EnginePorts with(EnginePorts ports, Claims claims) {
    return Ports.with(ports, Claims.class, claims);
  }

  /** Loses the answers that bring something. */
  private record AnswerLost(Claims claims, CountDownLatch claimed) implements Claims {

    @Override
    public List<Claim> claim(
        UUID boot,
        UUID token,
        Map<String, Integer> wantedByType,
        int free,
        int slots,
        boolean suspects,
        Set<Integer> requirements) {
      List<Claim> brought =
          claims.claim(boot, token, wantedByType, free, slots, suspects, requirements);
      if (!brought.isEmpty()) {
        claimed.countDown();
        throw new StoreUnavailable("the answer is lost", new IllegalStateException());
      }
      return brought;
    }

    @Override
    public int releaseUnheld(UUID boot, Set<Long> held) {
      return claims.releaseUnheld(boot, held);
    }
  }

  /** Keeps an answer that brings something until the node stops, which interrupts the claim. */
  private record Late(Claims claims, CountDownLatch claimed) implements Claims {

    @Override
    public List<Claim> claim(
        UUID boot,
        UUID token,
        Map<String, Integer> wantedByType,
        int free,
        int slots,
        boolean suspects,
        Set<Integer> requirements) {
      List<Claim> brought =
          claims.claim(boot, token, wantedByType, free, slots, suspects, requirements);
      if (!brought.isEmpty()) {
        claimed.countDown();
        try {
          new CountDownLatch(1).await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      return brought;
    }

    @Override
    public Optional<Duration> again() {
      return claims.again();
    }

    @Override
    public int releaseUnheld(UUID boot, Set<Long> held) {
      return claims.releaseUnheld(boot, held);
    }
  }
}
