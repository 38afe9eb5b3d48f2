package dev.batchyard.bench;

import java.util.List;

/** One thing that is measured of several queues, once in each round. */
interface QueueCell {

  /** Rounds of a cell that takes a minute or more. */
  int ROUNDS_OF_LONG = 3;

  /** Takes what was measured; of a round that warms up it is told, not kept. */
  @FunctionalInterface
  interface Samples {
    void add(String figure, double value, String unit);
  }

  /** {@return the word for {@code --cell}, also that in its figures} */
  String name();

  /** {@return what its figures must hold} */
  List<Bound> bounds();

  /** {@return how many rounds are enough} */
  default int roundsMax() {
    return Integer.MAX_VALUE;
  }

  /**
   * Measures once.
   *
   * @param systems the queues, in the order of this round
   * @param warmsUp nothing of it counts, so that little of it is enough
   */
  void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples) throws Exception;

  /** Adds the figures that are made of others. */
  void ratios(Figures figures);
}
