package dev.batchyard.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/**
 * The samples of a benchmark, one per round and cell, and the lines that a script reads. A figure
 * is the median over rounds with its 95 % interval from a percentile bootstrap (Efron 1979), so
 * that two runs can be told apart from noise. A ratio is taken within each round, then its median.
 */
final class Figures {

  private static final int RESAMPLES = 2_000;

  private final PrintStream out;
  private final Map<String, List<Double>> samples = new LinkedHashMap<>();
  private final Map<String, String> units = new LinkedHashMap<>();

  Figures(PrintStream out) {
    this.out = out;
  }

  /** Adds the sample of one round. */
  void add(String name, double value, String unit) {
    samples.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
    units.put(name, unit);
    out.printf(Locale.ROOT, "  %-44s %12.3f %s%n", name, value, unit);
  }

  /** Adds, as a figure of its own, the ratio of two figures round by round. */
  void ratio(String name, String over, String under) {
    List<Double> above = samples.getOrDefault(over, List.of());
    List<Double> below = samples.getOrDefault(under, List.of());
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < Math.min(above.size(), below.size()); i++) {
      ratios.add(above.get(i) / below.get(i));
    }
    if (!ratios.isEmpty()) {
      samples.put(name, ratios);
      units.put(name, "x");
    }
  }

  /** Prints {@code figure NAME VALUE UNIT} for everything, with intervals as comments. */
  void print() {
    samples.forEach((name, values) -> {
      double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      double[] interval = interval(sorted);
      out.printf(
          Locale.ROOT,
          "# %s: %.3f to %.3f, 95 %% interval %.3f to %.3f over %d rounds%n",
          name,
          sorted[0],
          sorted[sorted.length - 1],
          interval[0],
          interval[1],
          sorted.length);
      out.printf(Locale.ROOT, "figure %s %.3f %s%n", name, median(sorted), units.get(name));
    });
  }

  /** {@return the median of a figure, if it has samples} */
  OptionalDouble median(String name) {
    List<Double> values = samples.getOrDefault(name, List.of());
    return values.isEmpty()
        ? OptionalDouble.empty()
        : OptionalDouble.of(
            median(values.stream().mapToDouble(Double::doubleValue).sorted().toArray()));
  }

  static double median(double[] sorted) {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static double[] interval(double[] values) {
    SplittableRandom random = new SplittableRandom(4711);
    double[] medians = new double[RESAMPLES];
    ToDoubleFunction<double[]> draw = all -> all[random.nextInt(all.length)];
    for (int i = 0; i < RESAMPLES; i++) {
      double[] resample = new double[values.length];
      Arrays.setAll(resample, j -> draw.applyAsDouble(values));
      Arrays.sort(resample);
      medians[i] = median(resample);
    }
    Arrays.sort(medians);
    return new double[] {medians[RESAMPLES / 40], medians[RESAMPLES - 1 - RESAMPLES / 40]};
  }
}
