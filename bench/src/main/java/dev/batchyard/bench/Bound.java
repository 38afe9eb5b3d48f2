package dev.batchyard.bench;

import java.util.Locale;
import java.util.OptionalDouble;

/**
 * What a figure must hold and what it should reach.
 *
 * @param figure its name
 * @param less whether less is better
 * @param floor missed is a defect
 * @param reach missed is told
 */
record Bound(String figure, boolean less, double floor, double reach) {

  static Bound atMost(String figure, double floor, double reach) {
    return new Bound(figure, true, floor, reach);
  }

  static Bound atLeast(String figure, double floor, double reach) {
    return new Bound(figure, false, floor, reach);
  }

  boolean holds(double value) {
    return meets(value, floor);
  }

  private boolean meets(double value, double limit) {
    return less ? value <= limit : value >= limit;
  }

  /** {@return a line that names figure, value, floor and reach} */
  String verdict(OptionalDouble value) {
    String sign = less ? "<=" : ">=";
    if (value.isEmpty()) {
      return "bound %s not measured; floor %s %s, reach %s %s"
          .formatted(figure, sign, floor, sign, reach);
    }
    return String.format(
        Locale.ROOT,
        "bound %s %.3f; floor %s %s %s, reach %s %s %s",
        figure,
        value.getAsDouble(),
        sign,
        floor,
        holds(value.getAsDouble()) ? "met" : "MISSED",
        sign,
        reach,
        meets(value.getAsDouble(), reach) ? "met" : "missed");
  }
}
