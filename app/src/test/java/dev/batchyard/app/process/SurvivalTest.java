package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.Event;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** An import on real node processes that are killed, stopped and frozen in the middle of it. */
final class SurvivalTest {

  private static final String LEASE_LAPSES = "lease-lapses";
  private static final int ROWS = 800_000;
  private static final int CHUNK = 1_000;
  private static final int BLOWS = 20;
  private static final int DELAY_MAX_US = 50_000;

  /** A seed that fails can be tried again: {@code -Dbatchyard.seed=…}. */
  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  @TempDir private Path folder;

  private Yard yard;
  private Path file;
  private final SplittableRandom random = new SplittableRandom(SEED);

  @BeforeEach
  void open(TestInfo test) throws Exception {
    yard = new Yard(folder, test.getTags().contains(LEASE_LAPSES) ? 0.2 : 0.5);
    file = folder.resolve("编号.csv");
    NumberedRows.write(file, ROWS, SEED);
  }

  @AfterEach
  void close() throws Exception {
    yard.close();
  }

  @Test
  void killed_twenty_times_it_loses_and_doubles_nothing() throws Exception {
    TaskDetail task = importUnderBlows(NodeProcess::kill);
    assertThat(task.row().counters().failures()).as("charged failures").isZero();
    assertThat(task.attempts())
        .as("attempts %s, seed %d", task.attempts(), SEED)
        .extracting(Attempt::ended)
        .containsOnlyOnce("completed")
        .filteredOn(ended -> ended.equals("lost"))
        .hasSize(BLOWS);
  }

  @Test
  void stopped_twenty_times_it_is_charged_nothing() throws Exception {
    TaskDetail task = importUnderBlows(NodeProcess::terminate);
    assertThat(task.row().counters().failures()).as("charged failures").isZero();
    assertThat(task.row().counters().crashes()).as("charged crashes").isZero();
    assertThat(task.attempts())
        .as("attempts %s, seed %d", task.attempts(), SEED)
        .extracting(Attempt::ended)
        .containsOnlyOnce("completed")
        .filteredOn(ended -> ended.equals("released"))
        .hasSize(BLOWS);
  }

  @Test
  @Tag(LEASE_LAPSES)
  void frozen_past_its_lease_a_node_writes_nothing_more_and_begins_a_new_boot() throws Exception {
    long task = yard.submitImport(file, "frozen");
    NodeProcess slow = yard.start("slow");
    try (Connection db = yard.connect()) {
      yard.awaitRead(db, task, CHUNK);
      NodeRow before = node("slow", true);
      yard.start("other");
      yard.await("the other node", () -> isAlive("other"));
      assertThat(yard.state(task)).as("frozen in the middle").isEqualTo(TaskState.RUNNING);
      slow.freeze();
      yard.await("the end of the task", () -> yard.state(task).ended());
      TaskDetail ended = yard.detail(task);
      assertThat(ended.row().state()).isEqualTo(TaskState.COMPLETED);
      assertThat(ended.row().node()).contains("other");

      slow.thaw();
      yard.await(
          "a new boot of the frozen node that counted what was refused",
          () ->
              yard.installation().store().nodeViews().nodes().stream()
                  .anyMatch(n ->
                      n.name().equals("slow")
                          && n.alive()
                          && !n.boot().equals(before.boot())
                          && n.refused() > 0));
      assertThat(node("slow", false).boot()).isEqualTo(before.boot());
      proveImport(db, task, "frozen");
    }
  }

  /** How a node is made to end. */
  private interface Blow {
    void hit(NodeProcess node) throws Exception;
  }

  private TaskDetail importUnderBlows(Blow blow) throws Exception {
    long task = yard.submitImport(file, "blows");
    try (Connection db = yard.connect()) {
      long committed = 0;
      for (int hit = 0; hit < BLOWS; hit++) {
        NodeProcess node = yard.start("node");
        // a blow comes up to 50 ms late: what may be imported by then is left over for the others
        long spare = (ROWS - committed) / CHUNK / (BLOWS - hit + 1);
        // two at least: one commit of the last victim may have been on its way
        long chunks = 2 + random.nextLong(Math.max(1, spare / 2));
        yard.awaitRead(db, task, committed + chunks * CHUNK);
        LockSupport.parkNanos(random.nextLong(DELAY_MAX_US) * 1_000);
        blow.hit(node);
        committed = yard.awaitRead(db, task, 0);
      }
      assertThat(yard.state(task))
          .as("struck in the middle, seed %d", SEED)
          .isNotEqualTo(TaskState.COMPLETED);
      yard.start("node");
      yard.await("the end of the task, seed " + SEED, () -> yard.state(task).ended());
      proveImport(db, task, "blows");
      return yard.detail(task);
    }
  }

  private void proveImport(Connection db, long task, String table) throws Exception {
    TaskDetail detail = yard.detail(task);
    assertThat(detail.row().state()).as(detail.row().problem()).isEqualTo(TaskState.COMPLETED);
    ImportProof.sameRows(db, file, table);
    ImportProof.balanced(db, task, table, ROWS, 0);
    List<TaskState> path =
        detail.events().stream()
            .map(Event::to)
            .map(word -> TaskState.valueOf(word.toUpperCase(Locale.ROOT)))
            .toList();
    assertThat(path).doesNotContain(TaskState.QUARANTINED);
    ImportProof.legal(path);
  }

  private NodeRow node(String name, boolean alive) {
    return yard.installation().store().nodeViews().nodes().stream()
        .filter(n -> n.name().equals(name) && n.alive() == alive)
        .findFirst()
        .orElseThrow();
  }

  private boolean isAlive(String name) {
    return yard.installation().store().nodeViews().nodes().stream()
        .anyMatch(n -> n.name().equals(name) && n.alive());
  }
}
