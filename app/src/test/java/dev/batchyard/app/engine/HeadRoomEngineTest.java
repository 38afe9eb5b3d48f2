package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskHandler;
import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.port.NodeMetrics;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Which of several nodes runs what, on machines that are used as a test says. */
@PostgresTest
class HeadRoomEngineTest {

  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int TRIALS_MAX = 5;

  /**
   * Beside other tests the loaded nodes come later still than they would: a quiet machine gives a
   * tenth.
   */
  private static final double SHARE_OFF_MAX = 0.2;

  private final TestDatabase database;

  HeadRoomEngineTest(TestDatabase database) {
    this.database = database;
  }

  /** Where other tests keep the processors busy, one trial says little. */
  private static void inOneOfSome(Trial trial) throws Exception {
    for (int n = 1; ; n++) {
      try {
        trial.run(n);
        return;
      } catch (AssertionError e) {
        if (n == TRIALS_MAX) {
          throw e;
        }
      }
    }
  }

  /** Measures something. */
  private interface Trial {
    void run(int number) throws Exception;
  }

  @Test
  void three_nodes_share_the_work_by_their_head_room() throws Exception {
    inOneOfSome(this::three_nodes_share);
  }

  private void three_nodes_share(int trial) throws Exception {
    int tasks = 3_000;
    String type = "t.quick" + trial;
    TaskHandler<Nodes.Numbered> handler =
        (p, c) -> {
          rest(Duration.ofMillis(20));
          return Outcome.completed();
        };
    try (Nodes nodes = new Nodes(database, Nodes.type(type, 100, handler))) {
      nodes.start("a10", 8, used(0.1));
      nodes.start("b50", 8, used(0.5));
      nodes.start("c90", 8, used(0.9));
      awaitKnown(nodes, 3);
      List<NewTask> all = new ArrayList<>();
      for (int i = 0; i < tasks; i++) {
        all.add(NewTask.of(type, new Nodes.Numbered(i)));
      }
      nodes.submitter().submit(all);
      await().atMost(SOON).until(() -> stored(type) == tasks);
    }
    double rooms = 0.9 + 0.5 + 0.1;
    assertThat(share("a10", type)).isCloseTo(0.9 / rooms, within(SHARE_OFF_MAX));
    assertThat(share("b50", type)).isCloseTo(0.5 / rooms, within(SHARE_OFF_MAX));
    assertThat(share("c90", type)).isCloseTo(0.1 / rooms, within(SHARE_OFF_MAX));
  }

  @Test
  void what_comes_alone_goes_to_the_less_loaded_node() throws Exception {
    inOneOfSome(this::single_ones_go_to_the_less_loaded);
  }

  private void single_ones_go_to_the_less_loaded(int trial) throws Exception {
    int tasks = 40;
    String type = "t.single" + trial;
    TaskHandler<Nodes.Numbered> handler = (p, c) -> Outcome.completed();
    try (Nodes nodes = new Nodes(database, Nodes.type(type, 1, handler))) {
      nodes.start("less", 4, used(0.2));
      nodes.start("more", 4, used(0.8));
      awaitKnown(nodes, 2);
      for (int i = 1; i <= tasks; i++) {
        nodes.submitter().submit(NewTask.of(type, new Nodes.Numbered(i)));
        int all = i;
        await().atMost(SOON).until(() -> stored(type) == all);
      }
    }
    assertThat(share("less", type))
        .as("all but those that it did not come for in time")
        .isGreaterThan(0.7);
  }

  @Test
  void what_the_less_loaded_node_has_no_slot_for_is_run_by_the_other() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    TaskHandler<Nodes.Numbered> handler =
        (p, c) -> {
          assertThat(go.await(60, TimeUnit.SECONDS)).isTrue();
          return Outcome.completed();
        };
    try (Nodes nodes = new Nodes(database, Nodes.type("t.long", 1, handler))) {
      nodes.start("free", 4, used(0.2));
      nodes.start("used", 4, used(0.8));
      awaitKnown(nodes, 2);
      for (int i = 1; i <= 8; i++) {
        nodes.submitter().submit(NewTask.of("t.long", new Nodes.Numbered(i)));
      }
      await().atMost(SOON).until(() -> held(nodes, "free") == 4 && held(nodes, "used") == 4);
      go.countDown();
      await().atMost(SOON).until(() -> stored("t.long") == 8);
    }
  }

  @Test
  void tasks_of_mixed_length_keep_all_slots_busy_to_the_end() throws Exception {
    inOneOfSome(this::slots_are_busy_to_the_end);
  }

  private void slots_are_busy_to_the_end(int trial) throws Exception {
    int tasks = 200;
    String type = "t.mixed" + trial;
    SplittableRandom random = new SplittableRandom(11);
    List<Integer> lengths_ms = new ArrayList<>();
    for (int i = 0; i < tasks; i++) {
      lengths_ms.add(random.nextInt(200, 1_000));
    }
    TaskHandler<Nodes.Numbered> handler =
        (p, c) -> {
          rest(Duration.ofMillis(p.number()));
          return Outcome.completed();
        };
    try (Nodes nodes = new Nodes(database, Nodes.type(type, 1, handler))) {
      nodes.start("n2", 2, used(0.3));
      nodes.start("n4", 4, used(0.3));
      nodes.start("n8", 8, used(0.3));
      awaitKnown(nodes, 3);
      nodes
          .submitter()
          .submit(
              lengths_ms.stream()
                  .map(length -> NewTask.of(type, new Nodes.Numbered(length)))
                  .toList());
      await().atMost(SOON).until(() -> stored(type) == tasks);
    }
    double least_ms = lengths_ms.stream().mapToInt(Integer::intValue).sum() / 14.0;
    assertThat(makespan_ms(type)).isLessThan(1.25 * least_ms);
  }

  private static NodeMetrics used(double share) {
    return () -> Optional.of(new MachineUse(share, share, share));
  }

  /** Without work to do: what a task does elsewhere. */
  private static void rest(Duration span) throws InterruptedException {
    assertThat(new CountDownLatch(1).await(span.toNanos(), TimeUnit.NANOSECONDS)).isFalse();
  }

  /** Each has looked at the others after all of them were measured. */
  private static void awaitKnown(Nodes nodes, int count) {
    await()
        .atMost(SOON)
        .until(() -> {
          List<NodeRow> rows = alive(nodes);
          return rows.size() == count && rows.stream().allMatch(row -> row.load().isPresent());
        });
    Instant known =
        alive(nodes).stream().map(NodeRow::lastBeat).max(Instant::compareTo).orElseThrow();
    await()
        .atMost(SOON)
        .until(() ->
            alive(nodes).stream()
                .allMatch(row -> row.lastBeat().isAfter(known.plus(Nodes.LEASE.dividedBy(5)))));
  }

  private static List<NodeRow> alive(Nodes nodes) {
    return nodes.client().nodeViews().nodes().stream().filter(NodeRow::alive).toList();
  }

  private static long held(Nodes nodes, String name) {
    return alive(nodes).stream()
        .filter(row -> row.name().equals(name))
        .mapToLong(NodeRow::running)
        .sum();
  }

  private long stored(String type) throws SQLException {
    return Math.round(number("select count(*) from batchyard.outcome where type = '" + type + "'"));
  }

  private double makespan_ms(String type) throws SQLException {
    return number(
        "select extract(epoch from max(finished_at) - min(started_at)) * 1000 from batchyard.outcome"
            + " where type = '"
            + type
            + "'");
  }

  private double share(String node, String type) throws SQLException {
    return number(
        "select avg((node = '%s')::integer) from batchyard.outcome where type = '%s'"
            .formatted(node, type));
  }

  private double number(String sql) throws SQLException {
    return Double.parseDouble(database.ask(sql));
  }
}
