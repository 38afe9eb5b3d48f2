package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.DurableStep;
import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskHandler;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.port.Compensations;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.engine.run.EnginePorts;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Durable steps and their undos, by nodes that run them. */
@PostgresTest
final class StepsEngineTest {

  private static final Duration SOON = Duration.ofSeconds(20);

  private final TestDatabase database;
  private final List<String> deeds = new CopyOnWriteArrayList<>();
  private final AtomicInteger attempts = new AtomicInteger();

  StepsEngineTest(TestDatabase database) {
    this.database = database;
  }

  /** What a step gave back. */
  record Kept(String text) {}

  @BeforeEach
  void policy() throws SQLException {
    database.execute(
        "insert into batchyard.retry_policy values ('soon', 2, 'linear', '1 ms', '1 ms') on conflict do nothing");
  }

  @Test
  void a_step_that_is_done_is_skipped_by_the_next_attempt_which_is_given_its_result()
      throws Exception {
    TaskDetail detail =
        run((p, c) -> {
          Kept kept = c.step(DurableStep.of("book", Kept.class, () -> kept("房间 " + p.number())));
          if (attempts.incrementAndGet() < 3) {
            throw new IllegalStateException("not yet");
          }
          return Outcome.completed(Map.of("kept", kept.text()));
        });
    assertThat(detail.row().state()).isEqualTo(TaskState.COMPLETED);
    assertThat(detail.resultJson()).get().asString().contains("房间 1");
    assertThat(deeds).containsExactly("房间 1");
  }

  @Test
  void a_step_whose_action_threw_runs_again_if_it_is_idempotent() throws Exception {
    TaskDetail detail = run((p, c) -> book(c, DurableStep.of("book", this::failOnce).idempotent()));
    assertThat(detail.row().state()).isEqualTo(TaskState.COMPLETED);
    assertThat(deeds).containsExactly("book", "book");
  }

  @Test
  void it_is_asked_for_if_it_can_be_and_runs_again_only_if_it_has_not_happened() throws Exception {
    DurableStep<DurableStep.Nothing> step = DurableStep.of("book", this::failOnce);
    TaskDetail had =
        run((p, c) -> book(c, step.asking(() -> Optional.of(new DurableStep.Nothing()))));
    assertThat(had.row().state()).isEqualTo(TaskState.COMPLETED);
    assertThat(deeds).containsExactly("book");

    attempts.set(0);
    TaskDetail not = run((p, c) -> book(c, step.asking(Optional::empty)));
    assertThat(not.row().state()).isEqualTo(TaskState.COMPLETED);
    assertThat(deeds).containsExactly("book", "book", "book");
  }

  @Test
  void a_task_fails_for_good_if_nobody_knows_whether_its_step_happened() throws Exception {
    TaskDetail detail = run((p, c) -> book(c, DurableStep.of("预订", this::failOnce)));
    assertThat(detail.row().state()).isEqualTo(TaskState.FAILED);
    assertThat(detail.row().problem()).contains("'预订'", "is unknown", "idempotent");
    assertThat(detail.row().counters().attempt()).isEqualTo(2);
    assertThat(deeds).containsExactly("book");
  }

  @Test
  void a_mistake_in_a_step_fails_the_task_with_a_sentence() throws Exception {
    assertThat(problem((p, c) -> book(c, named("a"), named("a"))))
        .contains("'a'", "name of its own");
    assertThat(problem((p, c) -> book(c, DurableStep.of("out", () -> book(c, named("in"))))))
        .contains("'in'", "none within another");
    assertThat(problem((p, c) -> book(c, named("a").undoneBy("t.nowhere", new Nodes.Numbered(1)))))
        .contains("'a'", "'t.nowhere'", "t.undo");
    assertThat(problem((p, c) -> book(c, named("a").undoneBy("t.undo", new Kept("")))))
        .contains("'a'", "Kept", "Numbered");
    assertThat(
            problem((p, c) ->
                book(
                    c,
                    named("a")
                        .undoneBy(
                            new DurableStep.Undo(
                                "t.undo", new Nodes.Numbered(1), Optional.of("nowhere"))))))
        .contains("'a'", "retry policy 'nowhere'");
    assertThat(deeds).as("a mistake in an undo is found before its action").hasSize(1);
  }

  @Test
  void steps_are_undone_in_reverse_with_retries_of_their_own_though_one_is_unknown()
      throws Exception {
    try (Nodes nodes =
        nodes((p, c) -> {
          for (int n = 1; n <= 3; n++) {
            var _ = c.step(undoable(n, () -> deeds.add("do")));
          }
          var _ =
              c.step(
                  undoable(
                      4,
                      () -> {
                        throw new FinalFailure("在第四步");
                      }));
          return Outcome.completed();
        })) {
      nodes.start("a");
      nodes.start("b");
      long task = submit(nodes);
      awaitUndone(nodes, task, Compensations.State.UNDONE);
      assertThat(find(nodes, task).row().state()).isEqualTo(TaskState.FAILED);
      assertThat(deeds)
          .containsExactly(
              "do", "do", "do", "try 4", "undo 4", "try 3", "undo 3", "try 2", "undo 2", "try 1",
              "undo 1");
    }
  }

  @Test
  void an_action_does_not_run_if_its_node_was_fenced_after_the_step_was_begun() throws Exception {
    AtomicReference<Engine> first = new AtomicReference<>();
    AtomicInteger begun = new AtomicInteger();
    try (Nodes nodes = nodes((p, c) -> book(c, named("a").idempotent()))) {
      first.set(
          nodes.start(
              "a",
              ports ->
                  with(
                      ports,
                      new Wrapped(ports.steps()) {
                        @Override
                        public Found begin(LeaseToken lease, Draft step, boolean again) {
                          Found found = super.begin(lease, step, again);
                          if (begun.incrementAndGet() == 1) {
                            var boot = first.get().boot();
                            nodes.client().sessions().leave(boot);
                            while (first.get().boot().equals(boot)) {
                              Thread.onSpinWait(); // deaf to the interrupt that comes with it
                            }
                          }
                          return found;
                        }
                      })));
      long task = submit(nodes);
      awaitState(nodes, task, TaskState.COMPLETED);
      assertThat(deeds).as("by the second attempt").containsExactly("book");
      assertThat(find(nodes, task).row().counters().attempt()).isEqualTo(2);
    }
  }

  @Test
  void what_is_recorded_while_the_store_does_not_answer_is_recorded_once() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    try (Nodes nodes = nodes((p, c) -> book(c, named("a")))) {
      nodes.start(
          "a",
          ports ->
              with(
                  ports,
                  new Wrapped(ports.steps()) {
                    @Override
                    public Found begin(LeaseToken lease, Draft step, boolean again) {
                      return silentAtFirst(super.begin(lease, step, again));
                    }

                    @Override
                    public void done(LeaseToken lease, String name, String resultJson) {
                      super.done(lease, name, resultJson);
                      var _ = silentAtFirst(name);
                    }

                    private <T> T silentAtFirst(T answer) {
                      if (calls.incrementAndGet() % 3 != 0) {
                        throw new StoreUnavailable("no answer", new SQLException());
                      }
                      return answer;
                    }
                  }));
      long task = submit(nodes);
      awaitState(nodes, task, TaskState.COMPLETED);
      assertThat(deeds).containsExactly("book");
      assertThat(calls).hasValue(6);
      assertThat(find(nodes, task).row().counters().attempt()).isEqualTo(1);
    }
  }

  /** A port that does what another one does. */
  private static class Wrapped implements Steps {
    private final Steps steps;

    Wrapped(Steps steps) {
      this.steps = steps;
    }

    @Override
    public Found begin(LeaseToken lease, Draft step, boolean again) {
      return steps.begin(lease, step, again);
    }

    @Override
    public void done(LeaseToken lease, String name, String resultJson) {
      steps.done(lease, name, resultJson);
    }

    @Override
    public void slowDown(LeaseToken lease, Optional<String> pool, Duration retryAfter) {
      steps.slowDown(lease, pool, retryAfter);
    }
  }

  private static EnginePorts with(EnginePorts ports, Steps steps) {
    return Ports.with(ports, Steps.class, steps);
  }

  private Nodes nodes(TaskHandler<Nodes.Numbered> handler) {
    TaskType<Nodes.Numbered> undo =
        Nodes.type(
            "t.undo",
            1,
            (p, c) -> {
              if (c.lease().attempt() == 1) {
                deeds.add("try " + p.number());
                throw new IllegalStateException("not at the first try");
              }
              deeds.add("undo " + p.number());
              return Outcome.completed();
            });
    return new Nodes(database, Nodes.type("t.steps", 1, handler), undo);
  }

  /** What becomes of one task with this handler. */
  private TaskDetail run(TaskHandler<Nodes.Numbered> handler) throws Exception {
    try (Nodes nodes = nodes(handler)) {
      nodes.start("a");
      long task = submit(nodes);
      await().atMost(SOON).until(() -> find(nodes, task).row().state().ended());
      return find(nodes, task);
    }
  }

  private String problem(TaskHandler<Nodes.Numbered> handler) throws Exception {
    TaskDetail detail = run(handler);
    assertThat(detail.row().state()).isEqualTo(TaskState.FAILED);
    assertThat(detail.row().counters().attempt()).as("there is no point in a retry").isEqualTo(1);
    return detail.row().problem();
  }

  private static Outcome book(TaskContext context, DurableStep<?>... steps) throws Exception {
    for (DurableStep<?> step : steps) {
      var _ = context.step(step);
    }
    return Outcome.completed();
  }

  private DurableStep<Kept> named(String name) {
    return DurableStep.of(name, Kept.class, () -> kept("book"));
  }

  private static DurableStep<DurableStep.Nothing> undoable(int number, DurableStep.Effect effect) {
    return DurableStep.of("step " + number, effect)
        .undoneBy(new DurableStep.Undo("t.undo", new Nodes.Numbered(number), Optional.of("soon")));
  }

  private Kept kept(String text) {
    deeds.add(text);
    return new Kept(text);
  }

  private void failOnce() {
    deeds.add("book");
    if (attempts.incrementAndGet() == 1) {
      throw new IllegalStateException("no answer");
    }
  }

  private static long submit(Nodes nodes) {
    return nodes
        .submitter()
        .submit(NewTask.of("t.steps", new Nodes.Numbered(1)).withRetry("soon"))
        .task();
  }

  private static void awaitState(Nodes nodes, long task, TaskState state) {
    await().atMost(SOON).until(() -> find(nodes, task).row().state() == state);
  }

  private static void awaitUndone(Nodes nodes, long task, Compensations.State state) {
    await()
        .atMost(SOON)
        .until(() ->
            nodes
                .client()
                .compensations()
                .of(task)
                .compensation()
                .map(c -> c.state() == state)
                .orElse(false));
  }

  private static TaskDetail find(Nodes nodes, long task) {
    return nodes.client().taskViews().find(task).orElseThrow();
  }
}
