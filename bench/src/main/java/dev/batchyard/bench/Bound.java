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

  /** Missed is told, whatever it is. */
  static Bound toReach(String figure, boolean less, double reach) {
    return new Bound(
        figure, less, less ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY, reach);
  }

  boolean holds(double value) {
    return meets(value, floor);
  }

  private boolean meets(double value, double limit) {
    return less ? value <= limit : value >= limit;
  }

  /** {@return a line that names figure, value, floor if there is one, and reach} */
  String verdict(OptionalDouble value) {
    String sign = less ? "<=" : ">=";
    boolean hasFloor = Double.isFinite(floor);
    if (value.isEmpty()) {
      return "bound %s not measured; %sreach %s %s"
          .formatted(figure, hasFloor ? "floor %s %s, ".formatted(sign, floor) : "", sign, reach);
    }
    double measured = value.getAsDouble();
    return String.format(
        Locale.ROOT,
        "bound %s %.3f; %sreach %s %s %s",
        figure,
        measured,
        hasFloor
            ? "floor %s %s %s, ".formatted(sign, floor, holds(measured) ? "met" : "MISSED")
            : "",
        sign,
        reach,
        meets(measured, reach) ? "met" : "missed");
  }
}
