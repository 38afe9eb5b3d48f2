package dev.batchyard.api;

import java.time.Duration;
import java.time.Instant;
import java.time.Period;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;

/** Cuts work into parts of a {@link Split}: by amount, by time, by units. Pure; thread-safe. */
public final class Slices {

  private Slices() {}

  /** Items {@code from} to before {@code to}. */
  public record Range(long from, long to) {}

  /** Instants {@code from} to before {@code to}. */
  public record Times(Instant from, Instant to) {}

  /**
   * By amount ({@code data_volume}): ranges of at most so many items, all of nearly the same size.
   *
   * @param total items; with none there is nothing to split
   * @param most items of one part
   * @return ranges that follow each other from 0 to the total; their sizes differ by 1 at most
   * @throws IllegalArgumentException if either is less than 1, or there would be more than {@link
   *     Split#PARTS_MAX}
   */
  public static List<Range> byVolume(long total, long most) {
    requirePositive("total", total);
    requirePositive("most", most);
    long parts = (total - 1) / most + 1;
    requireParts(parts);
    List<Range> ranges = new ArrayList<>((int) parts);
    long from = 0;
    for (long part = 0; part < parts; part++) {
      long size = total / parts + (part < total % parts ? 1 : 0);
      ranges.add(new Range(from, from + size));
      from += size;
    }
    return ranges;
  }

  /**
   * By time ({@code time_range}): spans of the same length; the last one ends with the whole.
   *
   * @throws IllegalArgumentException if the step is not positive, the end is not after the begin,
   *     or there would be more than {@link Split#PARTS_MAX}
   */
  public static List<Times> byTime(Instant from, Instant to, Duration step) {
    if (step.isZero() || step.isNegative()) {
      throw new IllegalArgumentException("step: " + step + " must be more than 0");
    }
    requireOrder(from, to);
    List<Times> spans = new ArrayList<>();
    for (Instant at = from; at.isBefore(to); at = spans.get(spans.size() - 1).to()) {
      Instant next = Duration.between(at, to).compareTo(step) <= 0 ? to : at.plus(step);
      spans.add(new Times(at, next));
      requireParts(spans.size());
    }
    return spans;
  }

  /**
   * The same by the calendar: a step of a day is one of 23 or 25 hours where clocks are changed,
   * and steps of months from the 31st end on the last day of shorter months.
   */
  public static List<Times> byTime(Instant from, Instant to, Period step, ZoneId zone) {
    ZonedDateTime begin = from.atZone(zone);
    if (!begin.plus(step).isAfter(begin)) {
      throw new IllegalArgumentException("step: " + step + " must be more than 0");
    }
    requireOrder(from, to);
    List<Times> spans = new ArrayList<>();
    for (Instant at = from; at.isBefore(to); at = spans.get(spans.size() - 1).to()) {
      Instant next = begin.plus(step.multipliedBy(spans.size() + 1)).toInstant();
      spans.add(new Times(at, next.isAfter(to) ? to : next));
      requireParts(spans.size());
    }
    return spans;
  }

  /**
   * By units ({@code logical_unit}), such as tenants, shops or files: at most so many a part, in
   * their order.
   *
   * @throws IllegalArgumentException if {@code most} is less than 1, there is no unit, or there
   *     would be more than {@link Split#PARTS_MAX}
   */
  public static <U> List<List<U>> byUnit(List<U> units, int most) {
    requirePositive("units", units.size());
    requirePositive("most", most);
    requireParts((units.size() - 1) / most + 1);
    List<List<U>> parts = new ArrayList<>();
    for (int from = 0; from < units.size(); from += most) {
      parts.add(List.copyOf(units.subList(from, Math.min(units.size(), from + most))));
    }
    return parts;
  }

  private static void requirePositive(String what, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(what + ": " + value + " must be at least 1");
    }
  }

  private static void requireOrder(Instant from, Instant to) {
    if (!from.isBefore(to)) {
      throw new IllegalArgumentException("to: " + to + " must be after from, " + from);
    }
  }

  private static void requireParts(long parts) {
    if (parts > Split.PARTS_MAX) {
      throw new IllegalArgumentException(
          "there would be more than %,d parts; make them larger".formatted(Split.PARTS_MAX));
    }
  }
}
