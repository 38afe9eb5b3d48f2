package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.port.Arrivals;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Tasks that are submitted in the process of a node that has nothing to do. */
@PostgresTest
final class ArrivalEngineTest {

  private static final Duration SOON = Duration.ofSeconds(20);

  /** Where a stop waits for a claim that is under way. */
  private static final Set<String> WAITS_FOR_CLAIMS = Set.of("join", "reconcileLast");

  private final TestDatabase database;
  private final AtomicInteger calls = new AtomicInteger();
  private final List<Long> begun = new CopyOnWriteArrayList<>();
  private final CountDownLatch mayEnd = new CountDownLatch(1);
  private final TaskType<Nodes.Numbered> type =
      Nodes.type(
          "t.arrives",
          1,
          (p, c) -> {
            calls.incrementAndGet();
            if (p.number() < 0 && begun.contains(c.lease().task())) {
              mayEnd.await();
            }
            return Outcome.completed();
          });

  ArrivalEngineTest(TestDatabase database) {
    this.database = database;
  }

  /** Tells which tasks were begun so, and does something with the answer. */
  private record Watched(Arrivals store, List<Long> begun, UnaryOperator<Arrivals.Arrival> then)
      implements Arrivals {
    @Override
    public Arrival submit(UUID boot, UUID token, TaskDraft draft) {
      Arrival arrival = store.submit(boot, token, draft);
      arrival.claim().ifPresent(claim -> begun.add(claim.task()));
      return then.apply(arrival);
    }
  }

  private Engine start(Nodes nodes, UnaryOperator<Arrivals.Arrival> then) {
    Engine engine =
        nodes.start(
            "a",
            ports -> Ports.with(ports, Arrivals.class, new Watched(ports.arrivals(), begun, then)));
    nodes.client().addNode(engine);
    return engine;
  }

  private static NewTask task(int number) {
    return NewTask.of("t.arrives", new Nodes.Numbered(number));
  }

  /** Submits one after the other until the node begins one at once. */
  private long untilOneBegins(Submitter submitter, NewTask task) {
    AtomicInteger submitted = new AtomicInteger();
    await()
        .atMost(SOON)
        .until(() -> {
          submitted.incrementAndGet();
          long id = submitter.submit(task).task();
          return begun.contains(id);
        });
    return begun.getFirst();
  }

  @Test
  void an_idle_node_begins_it_in_the_statement_that_stores_it() throws Exception {
    try (Nodes nodes = new Nodes(database, type)) {
      start(nodes, arrival -> arrival);
      long task = untilOneBegins(nodes.submitter(), task(1));
      await().atMost(SOON).until(() -> state(nodes, task) == TaskState.COMPLETED);
      TaskDetail detail = nodes.client().taskViews().find(task).orElseThrow();
      assertThat(detail.attempts()).hasSize(1);
      assertThat(detail.row().counters().attempt()).isEqualTo(1);
    }
  }

  @Test
  void a_node_that_has_something_to_do_claims_it_as_any_other() throws Exception {
    try (Nodes nodes = new Nodes(database, type)) {
      start(nodes, arrival -> arrival);
      long runs = untilOneBegins(nodes.submitter(), task(-1));
      int before = calls.get();
      long comes = nodes.submitter().submit(task(2)).task();
      await().atMost(SOON).until(() -> state(nodes, comes) == TaskState.COMPLETED);
      assertThat(calls.get()).isGreaterThan(before);
      assertThat(begun).containsExactly(runs);
      mayEnd.countDown();
      await().atMost(SOON).until(() -> state(nodes, runs) == TaskState.COMPLETED);
    }
  }

  @Test
  void what_a_lost_answer_brought_goes_back_and_runs_once() throws Exception {
    AtomicInteger lost = new AtomicInteger();
    try (Nodes nodes = new Nodes(database, type)) {
      start(
          nodes,
          arrival -> {
            if (arrival.claim().isPresent() && lost.getAndIncrement() == 0) {
              throw new StoreUnavailable("the answer is lost", new IllegalStateException());
            }
            return arrival;
          });
      assertThatThrownBy(() -> untilOneBegins(nodes.submitter(), task(1)))
          .hasRootCauseInstanceOf(IllegalStateException.class);
      long task = begun.getFirst();
      await().atMost(SOON).until(() -> state(nodes, task) == TaskState.COMPLETED);
      TaskDetail detail = nodes.client().taskViews().find(task).orElseThrow();
      assertThat(detail.attempts())
          .extracting(Attempt::ended)
          .containsExactlyInAnyOrder("released", "completed");
      assertThat(detail.row().counters().crashes()).isZero();
      assertThat(detail.row().counters().failures()).isZero();
    }
  }

  @Test
  void what_comes_when_the_node_has_begun_to_stop_goes_back_without_its_handler() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch mayAnswer = new CountDownLatch(1);
    try (Nodes nodes = new Nodes(database, type)) {
      Engine engine =
          start(
              nodes,
              arrival -> {
                if (arrival.claim().isPresent()) {
                  arrived.countDown();
                  awaitQuietly(mayAnswer);
                }
                return arrival;
              });
      CompletableFuture<Long> submit =
          CompletableFuture.supplyAsync(() -> untilOneBegins(nodes.submitter(), task(1)));
      assertThat(arrived.await(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
      int before = calls.get();
      Thread stop = Thread.ofPlatform().start(() -> close(engine));
      await()
          .atMost(SOON)
          .until(() ->
              Arrays.stream(stop.getStackTrace())
                  .map(StackTraceElement::getMethodName)
                  .anyMatch(WAITS_FOR_CLAIMS::contains));
      mayAnswer.countDown();
      long task = submit.join();
      stop.join();
      TaskDetail detail = nodes.client().taskViews().find(task).orElseThrow();
      assertThat(detail.row().state()).isEqualTo(TaskState.READY);
      assertThat(detail.attempts()).extracting(Attempt::ended).containsExactly("released");
      assertThat(calls).hasValue(before);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void close(Engine engine) {
    try {
      engine.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static TaskState state(Nodes nodes, long task) {
    return nodes.client().taskViews().find(task).orElseThrow().row().state();
  }
}
