package dev.batchyard.bench;

import dev.batchyard.bench.queue.QueueSystems;
import java.util.List;

/** A drain as it is and the same under a burden, in turn; what counts is the one over the other. */
final class QueueTwinCell implements QueueCell {

  private final String name;
  private final List<String> measured;
  private final String burdened;
  private final String free;
  private final double floor;
  private final double reach;
  private final Drain drain;
  private boolean freeFirst;

  /**
   * A cell of this name.
   *
   * @param measured the queues that it is about
   * @param burdened the word for the one in figures, as {@code free} for the other
   * @param floor of Batchyard's {@code queue.NAME.ratio_FREE}
   */
  QueueTwinCell(
      String name,
      List<String> measured,
      String burdened,
      String free,
      double floor,
      double reach,
      Drain drain) {
    this.name = name;
    this.measured = measured;
    this.burdened = burdened;
    this.free = free;
    this.floor = floor;
    this.reach = reach;
    this.drain = drain;
  }

  /** One drain. */
  @FunctionalInterface
  interface Drain {
    /** {@return tasks per second} */
    double rate(QueueLab lab, String system, boolean burdened, boolean warmsUp) throws Exception;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int roundsMax() {
    return ROUNDS_OF_LONG;
  }

  @Override
  public List<Bound> bounds() {
    return List.of(Bound.atLeast(ratio(QueueSystems.BATCHYARD), floor, reach));
  }

  @Override
  public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
      throws Exception {
    freeFirst = !freeFirst;
    for (String system : systems) {
      if (measured.contains(system)) {
        for (boolean bears : new boolean[] {!freeFirst, freeFirst}) {
          samples.add(figure(system, bears), drain.rate(lab, system, bears, warmsUp), "tasks/s");
        }
      }
    }
  }

  @Override
  public void ratios(Figures figures) {
    for (String system : measured) {
      figures.ratio(ratio(system), figure(system, true), figure(system, false));
    }
  }

  private String figure(String system, boolean bears) {
    return "queue.%s.%s.%s".formatted(name, system, bears ? burdened : free);
  }

  private String ratio(String system) {
    String of = system.equals(QueueSystems.BATCHYARD) ? "" : "." + system;
    return "queue.%s%s.ratio_%s".formatted(name, of, free);
  }
}
