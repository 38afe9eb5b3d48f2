package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.Event;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/** A yard with a large file to import while nodes are ended, and the proof that nothing is lost. */
final class ImportYard implements AutoCloseable {

  static final int CHUNK = 1_000;

  /** Of a proof that runs with the tests; {@code ./dev prove import} has more. */
  static final int BLOWS = 6;

  /** Of the leases of nodes that are struck. */
  static final double TIMESCALE = 0.5;

  /** So many that one node after the other has something to do. */
  static final int ROWS_PER_BLOW = 40_000;

  /** 128 and the number of SIGTERM, as shells have it. */
  private static final int TERMINATED = 143;

  private static final int DELAY_MAX_US = 50_000;

  /** A seed that fails can be tried again: {@code -Dbatchyard.seed=…}. */
  static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  private final Yard yard;
  private final Path file;
  private final long seed;
  private final int blows;
  private final int rows;
  private final SplittableRandom random;

  /** How a node is made to end. */
  interface Blow {
    void hit(NodeProcess node) throws Exception;
  }

  /**
   * Writes a file that is large enough for so many blows.
   *
   * @param timescale of the nodes' leases
   */
  ImportYard(Path folder, double timescale, long seed, int blows) throws Exception {
    this.seed = seed;
    this.blows = blows;
    this.rows = blows * ROWS_PER_BLOW;
    random = new SplittableRandom(seed);
    yard = new Yard(folder, timescale);
    file = folder.resolve("编号.csv");
    NumberedRows.write(file, rows, seed);
  }

  Yard yard() {
    return yard;
  }

  Path file() {
    return file;
  }

  /** Kills one node after the other: each has lost its attempt, and the task is charged nothing. */
  void proveKilled() throws Exception {
    TaskDetail task = importUnderBlows(NodeProcess::kill);
    assertThat(task.row().counters().failures()).as("charged failures").isZero();
    assertEnded(task, "lost");
  }

  /** Stops one node after the other: each has given its attempt back, charged with nothing. */
  void proveStopped() throws Exception {
    TaskDetail task = importUnderBlows(node -> assertThat(node.terminate()).isEqualTo(TERMINATED));
    assertThat(task.row().counters().failures()).as("charged failures").isZero();
    assertThat(task.row().counters().crashes()).as("charged crashes").isZero();
    assertEnded(task, "released");
  }

  private void assertEnded(TaskDetail task, String struck) {
    assertThat(task.attempts())
        .as("seed %d, attempts %s", seed, task.attempts())
        .extracting(Attempt::ended)
        .containsOnlyOnce("completed")
        .filteredOn(ended -> ended.equals(struck))
        .hasSize(blows);
  }

  /**
   * Imports the file while one node after the other is made to end, each up to 50 ms after a drawn
   * chunk was committed, and proves what is in the table.
   */
  private TaskDetail importUnderBlows(Blow blow) throws Exception {
    long task = yard.submitImport(file, "blows");
    try (Connection db = yard.connect()) {
      long committed = 0;
      for (int hit = 0; hit < blows; hit++) {
        NodeProcess node = yard.start("node");
        // a blow comes up to 50 ms late: what may be imported by then is left over for the others
        long spare = (rows - committed) / CHUNK / (blows - hit + 1);
        // two at least: one commit of the last victim may have been on its way
        long chunks = 2 + random.nextLong(Math.max(1, spare / 2));
        yard.awaitRead(db, task, committed + chunks * CHUNK);
        LockSupport.parkNanos(random.nextLong(DELAY_MAX_US) * 1_000);
        blow.hit(node);
        committed = yard.awaitRead(db, task, 0);
      }
      assertThat(yard.state(task))
          .as("struck in the middle, seed %d", seed)
          .isNotEqualTo(TaskState.COMPLETED);
      yard.start("node");
      yard.await("the end of the task, seed " + seed, () -> yard.state(task).ended());
      proveImport(db, task, "blows");
      return yard.detail(task);
    }
  }

  /** Proves that the task has done all of the file, once, and moved as tasks may. */
  void proveImport(Connection db, long task, String table) throws Exception {
    TaskDetail detail = yard.detail(task);
    assertThat(detail.row().state()).as(detail.row().problem()).isEqualTo(TaskState.COMPLETED);
    ImportProof.sameRows(db, file, table);
    ImportProof.balanced(db, task, table, rows, 0);
    List<TaskState> path =
        detail.events().stream()
            .map(Event::to)
            .map(word -> TaskState.valueOf(word.toUpperCase(Locale.ROOT)))
            .toList();
    assertThat(path).doesNotContain(TaskState.QUARANTINED);
    ImportProof.legal(path);
  }

  @Override
  public void close() throws Exception {
    yard.close();
  }
}
