package dev.batchyard.bench;

import dev.batchyard.bench.queue.BatchyardQueue;
import dev.batchyard.bench.queue.QueueSystem;
import dev.batchyard.bench.queue.QueueSystems;
import java.util.List;
import java.util.function.Consumer;

/** Whether what lies around slows down a drain. */
final class QueueBacklogCells {

  private static final int DRAINED = 100_000;
  private static final int MILLION = 1_000_000;
  private static final int WARMING = 100_000;
  private static final int STUCK = 100_000;

  private QueueBacklogCells() {}

  /** {@return the first 100,000 of a million waiting, and of no more than these} */
  static QueueCell million() {
    return new QueueTwinCell(
        "backlog1m",
        List.of(QueueSystems.BATCHYARD),
        "waiting",
        "empty",
        0.85,
        0.95,
        (lab, system, burdened, warmsUp) -> {
          try (QueueSystem queue = lab.open(system)) {
            queue.create();
            return startsOf(lab, queue, !burdened ? DRAINED : warmsUp ? 2 * WARMING : MILLION);
          }
        });
  }

  /** {@return 100,000 with ten million in the history, which SQL has made, and with none} */
  static QueueCell history() {
    return new QueueTwinCell(
        "history10m", List.of(QueueSystems.BATCHYARD), "full", "empty", 0.85, 0.95, new History());
  }

  /** {@return 100,000 with as many stuck behind a pool that has no room, and with none} */
  static QueueCell pool() {
    return stuck("pool100k", queue -> queue.submitBehindPool(STUCK));
  }

  /** {@return 100,000 with as many that no node may run, and with none} */
  static QueueCell label() {
    return stuck("label100k", queue -> queue.submitForNobody(STUCK));
  }

  private static QueueCell stuck(String name, Consumer<BatchyardQueue> submit) {
    return new QueueTwinCell(
        name,
        List.of(QueueSystems.BATCHYARD),
        "stuck",
        "free",
        0.9,
        0.98,
        (lab, system, burdened, warmsUp) -> {
          try (BatchyardQueue queue = lab.openBatchyard("bench_batchyard")) {
            queue.create();
            if (burdened) {
              submit.accept(queue);
            }
            return startsOf(lab, queue, DRAINED);
          }
        });
  }

  /** {@return a million drained while somebody holds a snapshot, and without that} */
  static QueueCell snapshot() {
    return new QueueTwinCell(
        "snapshot",
        List.of(QueueSystems.BATCHYARD, QueueSystems.LIMIT),
        "held",
        "unheld",
        0.6,
        0.8,
        QueueBacklogCells::drained);
  }

  /** {@return tasks per second until the first of so many waiting have started} */
  private static double startsOf(QueueLab lab, QueueSystem queue, int waiting) throws Exception {
    QueueLab.fill(queue, waiting);
    lab.checkpoint();
    return QueueLab.starts(queue, DRAINED);
  }

  private static double drained(QueueLab lab, String system, boolean held, boolean warmsUp)
      throws Exception {
    int tasks = warmsUp ? WARMING : MILLION;
    try (QueueSystem queue = lab.open(system)) {
      queue.create();
      QueueLab.fill(queue, tasks);
      lab.checkpoint();
      if (!held) {
        return QueueLab.drain(queue, tasks);
      }
      try (AutoCloseable _ = QueueLab.snapshot(lab.database(system))) {
        return QueueLab.drain(queue, tasks);
      }
    }
  }

  /** The history is made once, in a database of its own. */
  private static final class History implements QueueTwinCell.Drain {

    private static final long TASKS = 9_999_998; // with the first one, a partition full

    private boolean made;

    @Override
    public double rate(QueueLab lab, String system, boolean full, boolean warmsUp)
        throws Exception {
      String database = full ? "bench_batchyard_history" : "bench_batchyard";
      try (BatchyardQueue queue = lab.openBatchyard(database)) {
        if (!full || !made) {
          queue.create();
        }
        if (full && !made) {
          queue.fillHistory(TASKS);
          made = true;
        }
        return startsOf(lab, queue, DRAINED);
      }
    }
  }
}
