package dev.batchyard.bench;

import dev.batchyard.bench.queue.BatchyardQueue;
import dev.batchyard.bench.queue.QueueSystem;
import dev.batchyard.bench.queue.QueueSystems;
import java.util.List;

/** Whether what lies around slows down a drain. */
final class QueueBacklogCells {

  private static final int DRAINED = 100_000;
  private static final int MILLION = 1_000_000;
  private static final int WARMING = 100_000;

  private QueueBacklogCells() {}

  /** {@return tasks per second until the first of so many waiting have started} */
  private static double startsOf(QueueLab lab, QueueSystem queue, int waiting) throws Exception {
    QueueLab.fill(queue, waiting);
    lab.checkpoint();
    return QueueLab.starts(queue, DRAINED);
  }

  /** The first 100,000 of a million waiting, of the figure with nothing else waiting. */
  static final class Million implements QueueCell {

    private boolean emptyFirst;

    @Override
    public String name() {
      return "backlog1m";
    }

    @Override
    public int roundsMax() {
      return ROUNDS_OF_LONG;
    }

    @Override
    public List<Bound> bounds() {
      return List.of(Bound.atLeast("queue.backlog1m.ratio_empty", 0.85, 0.95));
    }

    @Override
    public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
        throws Exception {
      if (!systems.contains(QueueSystems.BATCHYARD)) {
        return;
      }
      emptyFirst = !emptyFirst;
      for (boolean empty : new boolean[] {emptyFirst, !emptyFirst}) {
        try (QueueSystem queue = lab.open(QueueSystems.BATCHYARD)) {
          queue.create();
          int waiting = empty ? DRAINED : warmsUp ? 2 * WARMING : MILLION;
          samples.add(
              "queue.backlog1m." + (empty ? "empty" : "batchyard"),
              startsOf(lab, queue, waiting),
              "tasks/s");
        }
      }
    }

    @Override
    public void ratios(Figures figures) {
      figures.ratio(
          "queue.backlog1m.ratio_empty", "queue.backlog1m.batchyard", "queue.backlog1m.empty");
    }
  }

  /** The same with ten million in the history, which SQL has made. */
  static final class History implements QueueCell {

    private static final long TASKS = 9_999_998; // with the first one, a partition full

    private boolean emptyFirst;
    private boolean made;

    @Override
    public String name() {
      return "history10m";
    }

    @Override
    public int roundsMax() {
      return ROUNDS_OF_LONG;
    }

    @Override
    public List<Bound> bounds() {
      return List.of(Bound.atLeast("queue.history10m.ratio_empty", 0.85, 0.95));
    }

    @Override
    public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
        throws Exception {
      if (!systems.contains(QueueSystems.BATCHYARD)) {
        return;
      }
      emptyFirst = !emptyFirst;
      for (boolean empty : new boolean[] {emptyFirst, !emptyFirst}) {
        String database = empty ? "bench_batchyard" : "bench_batchyard_history";
        try (BatchyardQueue queue = lab.openBatchyard(database)) {
          if (empty || !made) {
            queue.create();
          }
          if (!empty && !made) {
            queue.fillHistory(TASKS);
            made = true;
          }
          samples.add(
              "queue.history10m." + (empty ? "empty" : "batchyard"),
              startsOf(lab, queue, DRAINED),
              "tasks/s");
        }
      }
    }

    @Override
    public void ratios(Figures figures) {
      figures.ratio(
          "queue.history10m.ratio_empty", "queue.history10m.batchyard", "queue.history10m.empty");
    }
  }

  /** A million drained while somebody holds a snapshot, of the figure without it. */
  static final class Snapshot implements QueueCell {

    private boolean heldFirst;

    @Override
    public String name() {
      return "snapshot";
    }

    @Override
    public int roundsMax() {
      return ROUNDS_OF_LONG;
    }

    @Override
    public List<Bound> bounds() {
      return List.of(Bound.atLeast("queue.snapshot.ratio_unheld", 0.6, 0.8));
    }

    @Override
    public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
        throws Exception {
      heldFirst = !heldFirst;
      for (String system : systems) {
        if (system.equals(QueueSystems.BATCHYARD) || system.equals(QueueSystems.LIMIT)) {
          for (boolean held : new boolean[] {heldFirst, !heldFirst}) {
            samples.add(
                "queue.snapshot.%s.%s".formatted(system, held ? "held" : "unheld"),
                drained(lab, system, held, warmsUp ? WARMING : MILLION),
                "tasks/s");
          }
        }
      }
    }

    private static double drained(QueueLab lab, String system, boolean held, int tasks)
        throws Exception {
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

    @Override
    public void ratios(Figures figures) {
      ratio(figures, "queue.snapshot.ratio_unheld", QueueSystems.BATCHYARD);
      ratio(figures, "queue.snapshot.limit.ratio_unheld", QueueSystems.LIMIT);
    }

    private static void ratio(Figures figures, String name, String system) {
      figures.ratio(
          name,
          "queue.snapshot.%s.held".formatted(system),
          "queue.snapshot.%s.unheld".formatted(system));
    }
  }
}
