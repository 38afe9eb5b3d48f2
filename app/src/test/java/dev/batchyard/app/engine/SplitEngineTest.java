package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.Part;
import dev.batchyard.api.Parts;
import dev.batchyard.api.Split;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskHandler;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches.Batch;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.Splits;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.EnginePorts;
import dev.batchyard.engine.task.Transitions;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tasks that are split, by nodes that run them and their parts. */
@PostgresTest
final class SplitEngineTest {

  private static final Duration SOON = Duration.ofSeconds(30);
  private static final TaskHandler<Nodes.Numbered> SQUARES =
      (p, c) -> Outcome.completed(Map.of("square", p.number() * p.number()));

  private final TestDatabase database;
  private final Map<Integer, Integer> runs = new ConcurrentSkipListMap<>();
  private final List<Integer> order = new CopyOnWriteArrayList<>();
  private final AtomicInteger reduced = new AtomicInteger();

  SplitEngineTest(TestDatabase database) {
    this.database = database;
  }

  /** What a part gave back. */
  record Square(int square) {}

  @BeforeEach
  void policy() throws SQLException {
    database.execute(
        "insert into batchyard.retry_policy values ('none', 0, 'linear', '1 ms', '1 ms') on conflict do nothing");
  }

  @Test
  void a_node_of_one_slot_runs_all_parts_and_then_the_reduce_with_their_results_in_order()
      throws Exception {
    try (Nodes nodes =
        nodes(
            all -> all,
            (p, c) -> {
              assertThat(c.part()).isEqualTo(new Part(p.number(), 1_200));
              return SQUARES.run(p, c);
            })) {
      nodes.start("n", 1, Optional::empty);
      TaskDetail parent = ended(nodes, submit(nodes, 1_200));
      assertThat(parent.row().state()).isEqualTo(TaskState.COMPLETED);
      assertThat(parent.resultJson())
          .get()
          .asString()
          .contains("\"sum\": 575280200", "\"parts\": 1200");
      assertThat(parent.row().counters().attempt()).isEqualTo(2);
      assertThat(parent.attempts().getFirst().ended()).isEqualTo("split");
      assertThat(runs).hasSize(1_200).allSatisfy((_, times) -> assertThat(times).isEqualTo(1));
      Batch parts = parent.after().orElseThrow();
      assertThat(parts.completed()).isEqualTo(1_200);
      assertThat(parent.events())
          .anyMatch(e -> e.to().equals("blocked") && e.why().contains("1,200 parts"));
    }
  }

  @Test
  void a_part_that_fails_fails_its_parent_and_a_rerun_of_that_runs_this_part_only()
      throws Exception {
    AtomicBoolean broken = new AtomicBoolean(true);
    try (Nodes nodes =
        nodes(
            all -> all,
            (p, c) -> {
              if (p.number() == 600 && broken.get()) {
                throw new IllegalStateException("坏数据");
              }
              return SQUARES.run(p, c);
            })) {
      nodes.start("n");
      nodes.start("m");
      long task = submit(nodes, 1_000);
      TaskDetail failed = ended(nodes, task);
      assertThat(failed.row().state()).isEqualTo(TaskState.FAILED);
      long bad = nodes.client().splits().find(task).orElseThrow().first() + 600;
      assertThat(failed.row().problem())
          .contains("1 of 1,000 parts did not complete", "task " + bad + ", failed: 坏数据");
      assertThat(reduced).hasValue(0);
      broken.set(false);
      assertThat(nodes.client().operatorMoves().rerun(task, "kim")).isEqualTo(Move.DONE);
      TaskDetail done = ended(nodes, task);
      assertThat(done.row().state()).isEqualTo(TaskState.COMPLETED);
      assertThat(done.resultJson()).get().asString().contains("\"parts\": 1000");
      assertThat(runs).hasSize(1_000);
      runs.forEach(
          (part, times) -> assertThat(times).as("part " + part).isEqualTo(part == 600 ? 2 : 1));
      assertThat(done.after().orElseThrow())
          .returns(1_000L, Batch::completed)
          .returns(0L, Batch::failed);
    }
  }

  @Test
  void parts_that_go_in_turn_stop_at_the_first_that_fails_and_a_rerun_goes_on_there()
      throws Exception {
    AtomicBoolean broken = new AtomicBoolean(true);
    try (Nodes nodes =
        nodes(
            Split::oneAfterTheOther,
            (p, c) -> {
              order.add(p.number());
              if (p.number() == 3 && broken.get()) {
                throw new IllegalStateException("not yet");
              }
              return SQUARES.run(p, c);
            })) {
      nodes.start("n");
      nodes.start("m");
      long task = submit(nodes, 8);
      assertThat(ended(nodes, task).row().state()).isEqualTo(TaskState.FAILED);
      assertThat(order).containsExactly(0, 1, 2, 3);
      broken.set(false);
      assertThat(nodes.client().operatorMoves().rerun(task, "kim")).isEqualTo(Move.DONE);
      assertThat(ended(nodes, task).row().state()).isEqualTo(TaskState.COMPLETED);
      assertThat(order).containsExactly(0, 1, 2, 3, 3, 4, 5, 6, 7);
    }
  }

  @Test
  void parts_that_were_cancelled_with_their_parent_go_in_turn_again_when_it_is_run_again()
      throws Exception {
    AtomicBoolean holds = new AtomicBoolean(true);
    CountDownLatch running = new CountDownLatch(1);
    try (Nodes nodes =
        nodes(
            Split::oneAfterTheOther,
            (p, c) -> {
              order.add(p.number());
              if (p.number() == 2 && holds.get()) {
                running.countDown();
                await().atMost(SOON).until(c::stopRequested);
                return Outcome.stopped();
              }
              return SQUARES.run(p, c);
            })) {
      nodes.start("n");
      nodes.start("m");
      long task = submit(nodes, 6);
      running.await();
      assertThat(nodes.client().operatorMoves().cancel(task, "kim")).isEqualTo(Move.DONE);
      await().atMost(SOON).until(() -> parts(nodes, task).cancelled() == 4);
      holds.set(false);
      assertThat(nodes.client().operatorMoves().rerun(task, "kim")).isEqualTo(Move.DONE);
      assertThat(ended(nodes, task).row().state()).isEqualTo(TaskState.COMPLETED);
      assertThat(order).containsExactly(0, 1, 2, 2, 3, 4, 5);
    }
  }

  @Test
  void a_later_part_that_is_cancelled_ends_those_in_turn_only_when_it_is_at_its_turn()
      throws Exception {
    CountDownLatch goes = new CountDownLatch(1);
    try (Nodes nodes =
        nodes(
            Split::oneAfterTheOther,
            (p, c) -> {
              order.add(p.number());
              goes.await();
              return SQUARES.run(p, c);
            })) {
      nodes.start("n");
      long task = submit(nodes, 4);
      await().atMost(SOON).until(() -> order.size() == 1);
      long third = nodes.client().splits().find(task).orElseThrow().first() + 2;
      long fourth = third + 1;
      assertThat(nodes.client().operatorMoves().cancel(fourth, "kim")).isEqualTo(Move.DONE);
      assertThat(nodes.client().operatorMoves().cancel(third, "kim")).isEqualTo(Move.DONE);
      assertThat(nodes.client().taskViews().find(task).orElseThrow().row().state())
          .isEqualTo(TaskState.BLOCKED);
      goes.countDown();
      TaskDetail failed = ended(nodes, task);
      assertThat(failed.row().problem())
          .contains("2 of 4 parts did not complete", "task " + third + ", cancelled");
      assertThat(order).containsExactly(0, 1);
      assertThatThrownBy(() -> nodes.client().operatorMoves().rerun(fourth, "kim"))
          .isInstanceOf(MoveRefused.class)
          .hasMessageContaining("it is not its turn")
          .hasMessageContaining("task " + third + " is at its turn");
      assertThat(nodes.client().operatorMoves().rerun(task, "kim")).isEqualTo(Move.DONE);
      assertThat(ended(nodes, task).row().state()).isEqualTo(TaskState.COMPLETED);
      assertThat(order).containsExactly(0, 1, 2, 3);
      List<TaskState> history =
          nodes.client().taskViews().find(fourth).orElseThrow().events().stream()
              .map(event -> TaskState.valueOf(event.to().toUpperCase(Locale.ROOT)))
              .toList();
      assertThat(history).contains(TaskState.BLOCKED, TaskState.CANCELLED, TaskState.COMPLETED);
      assertThat(Transitions.firstIllegal(history)).as("%s", history).isEqualTo(-1);
    }
  }

  @Test
  void parts_of_a_task_whose_retry_policy_is_gone_have_the_default_one() throws Exception {
    database.execute(
        "insert into batchyard.retry_policy values ('gone', 0, 'linear', '1 ms', '1 ms')");
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                    "t.parent",
                    1,
                    (p, c) ->
                        c.parts().isPresent()
                            ? Outcome.completed()
                            : Outcome.split(Split.of("t.part", numbers(p.number()))))
                .splitting(),
            Nodes.type("t.part", 1, SQUARES))) {
      NewTask asked = NewTask.of("t.parent", new Nodes.Numbered(2)).withRetry("gone");
      long task = nodes.submitter().submit(asked).task();
      database.execute("delete from batchyard.retry_policy where name = 'gone'");
      nodes.start("n");
      assertThat(ended(nodes, task).row().state()).isEqualTo(TaskState.COMPLETED);
    }
  }

  @Test
  void a_split_that_tolerates_it_goes_on_without_what_failed() throws Exception {
    try (Nodes nodes =
        nodes(
            Split::goingOnWithoutFailed,
            (p, c) -> {
              if (p.number() % 2 == 1) {
                throw new IllegalStateException("odd");
              }
              return SQUARES.run(p, c);
            })) {
      nodes.start("n");
      TaskDetail parent = ended(nodes, submit(nodes, 5));
      assertThat(parent.row().state()).isEqualTo(TaskState.COMPLETED);
      assertThat(parent.resultJson()).get().asString().contains("\"sum\": 20", "\"parts\": 3");
    }
  }

  @Test
  void who_cancels_a_task_that_waits_for_its_parts_cancels_them() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    try (Nodes nodes =
        nodes(
            all -> all,
            (p, c) -> {
              running.countDown();
              await().atMost(SOON).until(c::stopRequested);
              return Outcome.stopped();
            })) {
      nodes.start("n");
      long task = submit(nodes, 2_000);
      running.await();
      assertThat(nodes.client().operatorMoves().cancel(task, "kim")).isEqualTo(Move.DONE);
      TaskDetail parent = ended(nodes, task);
      assertThat(parent.row().state()).isEqualTo(TaskState.CANCELLED);
      await()
          .atMost(SOON)
          .untilAsserted(() -> assertThat(parts(nodes, task).cancelled()).isEqualTo(2_000));
    }
  }

  @Test
  void a_lost_answer_splits_nothing_twice() throws Exception {
    AtomicInteger answers = new AtomicInteger();
    try (Nodes nodes = nodes(all -> all, SQUARES)) {
      Meddling losing =
          new Meddling(
              nodes.client().splits(),
              task -> {},
              () -> {
                if (answers.incrementAndGet() == 1) {
                  throw new StoreUnavailable("the answer is lost", new SQLException("test"));
                }
              });
      nodes.start("n", ports -> with(ports, losing));
      long task = submit(nodes, 10);
      assertThat(ended(nodes, task).row().state()).isEqualTo(TaskState.COMPLETED);
      await().atMost(SOON).until(() -> answers.get() == 2); // it asks again a little later
      assertThat(nodes.client().batches().list(OptionalLong.empty(), 10).rows())
          .filteredOn(batch -> batch.then().equals(OptionalLong.of(task)))
          .hasSize(1);
    }
  }

  @Test
  void what_a_person_has_asked_meanwhile_comes_before_a_split() throws Exception {
    try (Nodes nodes = nodes(all -> all, SQUARES)) {
      Meddling asking =
          new Meddling(
              nodes.client().splits(),
              task ->
                  assertThat(nodes.client().operatorMoves().cancel(task, "kim"))
                      .isEqualTo(Move.REQUESTED),
              () -> {});
      nodes.start("n", ports -> with(ports, asking));
      assertThat(ended(nodes, submit(nodes, 10)).row().state()).isEqualTo(TaskState.CANCELLED);
      assertThat(runs).isEmpty();
    }
  }

  @Test
  void a_split_that_cannot_be_is_told_with_its_cure() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type("t.plain", 1, (p, c) -> Outcome.split(Split.of("t.part", numbers(2)))),
            Nodes.type("t.parent", 1, (p, c) -> Outcome.split(Split.of("t.prat", numbers(2))))
                .splitting(),
            Nodes.type("t.part", 1, SQUARES))) {
      nodes.start("n");
      assertThat(ended(nodes, submit(nodes, "t.plain", 1)).row().problem())
          .contains("t.plain", "splitting()");
      assertThat(ended(nodes, submit(nodes, "t.parent", 1)).row().problem())
          .contains("cannot be split", "'t.prat'", "t.part");
    }
  }

  /** The parent's type: splits into so many numbers, and adds up their squares. */
  private Nodes nodes(UnaryOperator<Split> how, TaskHandler<Nodes.Numbered> part) {
    TaskHandler<Nodes.Numbered> counted =
        (p, c) -> {
          runs.merge(p.number(), 1, Integer::sum);
          return part.run(p, c);
        };
    return new Nodes(
        database,
        Nodes.type("t.parent", 1, (p, c) -> parent(p, c, how)).splitting(),
        Nodes.type("t.part", 100, counted));
  }

  private Outcome parent(Nodes.Numbered asked, TaskContext context, UnaryOperator<Split> how) {
    Optional<Parts> parts = context.parts();
    if (parts.isEmpty()) {
      return Outcome.split(
          how.apply(Split.of("t.part", numbers(asked.number())).withRetry("none")));
    }
    reduced.incrementAndGet();
    long sum = 0;
    int count = 0;
    int last = -1;
    for (Parts.Result<Square> each : parts.get().results(Square.class)) {
      assertThat(each.index()).isGreaterThan(last);
      last = each.index();
      sum += each.value().square();
      count++;
    }
    assertThat(count).isEqualTo(parts.get().completed());
    return Outcome.completed(Map.of("sum", sum, "parts", count));
  }

  private static List<Nodes.Numbered> numbers(int count) {
    return IntStream.range(0, count).mapToObj(Nodes.Numbered::new).toList();
  }

  private static long submit(Nodes nodes, int parts) {
    return submit(nodes, "t.parent", parts);
  }

  private static long submit(Nodes nodes, String type, int parts) {
    return nodes.submitter().submit(NewTask.of(type, new Nodes.Numbered(parts))).task();
  }

  private static TaskDetail ended(Nodes nodes, long task) {
    return await()
        .atMost(SOON)
        .until(
            () -> nodes.client().taskViews().find(task).orElseThrow(),
            d -> d.row().state().ended());
  }

  private static Batch parts(Nodes nodes, long task) {
    return nodes.client().taskViews().find(task).orElseThrow().after().orElseThrow();
  }

  private static EnginePorts with(EnginePorts ports, Splits splits) {
    return Ports.with(ports, Splits.class, splits);
  }

  /** Does something before a split, or after it. */
  private record Meddling(Splits splits, LongConsumer before, Runnable after) implements Splits {
    @Override
    public Done split(LeaseToken lease, Draft draft, End end) {
      before.accept(lease.task());
      Done done = splits.split(lease, draft, end);
      after.run();
      return done;
    }

    @Override
    public Optional<State> find(long task) {
      return splits.find(task);
    }

    @Override
    public Done again(LeaseToken lease, State state, End end) {
      return splits.again(lease, state, end);
    }

    @Override
    public List<Row> results(State state, int from) {
      return splits.results(state, from);
    }

    @Override
    public Optional<Part> part(long task) {
      return splits.part(task);
    }
  }
}
