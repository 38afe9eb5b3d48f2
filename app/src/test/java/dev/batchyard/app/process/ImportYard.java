package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
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
  static final int BLOWS = 20;

  private static final int ROWS = 800_000;
  private static final int DELAY_MAX_US = 50_000;

  /** A seed that fails can be tried again: {@code -Dbatchyard.seed=…}. */
  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  private final Yard yard;
  private final Path file;
  private final SplittableRandom random = new SplittableRandom(SEED);

  /** How a node is made to end. */
  interface Blow {
    void hit(NodeProcess node) throws Exception;
  }

  ImportYard(Path folder, double timescale) throws Exception {
    yard = new Yard(folder, timescale);
    file = folder.resolve("编号.csv");
    NumberedRows.write(file, ROWS, SEED);
  }

  Yard yard() {
    return yard;
  }

  Path file() {
    return file;
  }

  /** {@return what to tell when a proof fails} */
  static String told(TaskDetail task) {
    return "seed %d, attempts %s".formatted(SEED, task.attempts());
  }

  /**
   * Imports the file while one node after the other is made to end, each up to 50 ms after a drawn
   * chunk was committed, and proves what is in the table.
   */
  TaskDetail importUnderBlows(Blow blow) throws Exception {
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

  /** Proves that the task has done all of the file, once, and moved as tasks may. */
  void proveImport(Connection db, long task, String table) throws Exception {
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

  @Override
  public void close() throws Exception {
    yard.close();
  }
}
