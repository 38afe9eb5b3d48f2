package dev.batchyard.bench;

import dev.batchyard.bench.queue.QueueSystems;

/** Batchyard's figures over those of the others, round by round. */
final class QueueRatios {

  private QueueRatios() {}

  /** Adds {@code queue.CELL.ratio_SYSTEM} of figures {@code queue.CELL.SYSTEM}. */
  static void ofRates(Figures figures, String cell) {
    for (String system : QueueSystems.names()) {
      if (!system.equals(QueueSystems.BATCHYARD)) {
        figures.ratio(
            "queue.%s.ratio_%s".formatted(cell, system),
            "queue.%s.%s".formatted(cell, QueueSystems.BATCHYARD),
            "queue.%s.%s".formatted(cell, system));
      }
    }
  }
}
