package dev.batchyard.api;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a node must have to run a task. It is compared with what a node has as a whole, not with
 * what is free at the moment: a node of 8 cores may run two tasks that each ask for 8.
 *
 * @param labels that the node bears; one without a value, such as {@code gpu}, is also met by
 *     {@code gpu=a100}
 * @param cores at least so many processors; 0 if it does not matter
 * @param memoryMib at least so much memory, in MiB
 * @param diskMib at least so large a file system of the data folder, in MiB
 */
public record Requirement(SortedSet<String> labels, int cores, long memoryMib, long diskMib) {

  /** Any node will do. */
  public static final Requirement NONE = new Requirement(Collections.emptySortedSet(), 0, 0, 0);

  /** The most processors that can be asked for. */
  public static final int CORES_MAX = 10_000;

  /** The most memory, and disk, that can be asked for: a million TiB. */
  public static final long MIB_MAX = 1L << 40;

  private static final String NAME = "requires";
  private static final Pattern CORES = Pattern.compile("\\d{1,5}");
  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,12}) ?([MGT])i?B?", Pattern.CASE_INSENSITIVE);

  public Requirement {
    try {
      labels = NodeLabels.checked(labels);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(NAME + ": " + e.getMessage(), e);
    }
    requireIn("cores", cores, CORES_MAX);
    requireIn("memory", memoryMib, MIB_MAX);
    requireIn("disk", diskMib, MIB_MAX);
  }

  private static void requireIn(String what, long value, long most) {
    if (value < 0 || value > most) {
      throw new IllegalArgumentException(
          "%s: %s of %d is not from 0 to %d".formatted(NAME, what, value, most));
    }
  }

  /**
   * Reads labels and sizes with commas between, such as {@code gpu=a100,cores=4,memory=8GiB}.
   *
   * @throws IllegalArgumentException saying what is wrong with a part of it
   */
  public static Requirement parse(String text) {
    if (text.isBlank()) {
      return NONE;
    }
    TreeSet<String> seen = new TreeSet<>();
    List<String> labels = new ArrayList<>();
    int cores = 0;
    long memory = 0;
    long disk = 0;
    for (String part : Arrays.stream(text.split(",", -1)).map(String::strip).toList()) {
      String key = NodeLabels.key(part);
      if (NodeLabels.RESERVED.contains(key) && !seen.add(key)) {
        throw new IllegalArgumentException(NAME + ": " + key + " is there twice; keep one");
      }
      switch (key) {
        case "cores" -> cores = cores(value(part));
        case "memory" -> memory = mib(key, value(part));
        case "disk" -> disk = mib(key, value(part));
        default -> labels.add(part);
      }
    }
    try {
      return new Requirement(NodeLabels.checked(labels), cores, memory, disk);
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(NAME) ? e : new IllegalArgumentException(NAME + ": " + message, e);
    }
  }

  private static String value(String part) {
    return part.substring(Math.min(part.length(), NodeLabels.key(part).length() + 1));
  }

  private static int cores(String value) {
    if (!CORES.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "%s: cores=%s must be a whole number, such as cores=4"
              .formatted(NAME, NodeLabels.shown(value)));
    }
    return Integer.parseInt(value);
  }

  private static long mib(String key, String value) {
    Matcher size = SIZE.matcher(value);
    if (!size.matches()) {
      throw new IllegalArgumentException(
          "%s: %s=%s must be a whole number and a unit (MiB, GiB, TiB), such as %s=8GiB"
              .formatted(NAME, key, NodeLabels.shown(value), key));
    }
    long units = Long.parseLong(size.group(1));
    return switch (size.group(2).toUpperCase(Locale.ROOT)) {
      case "M" -> units;
      case "G" -> units << 10;
      default -> Math.min(units, MIB_MAX) << 20;
    };
  }

  /** {@return it as {@link #parse} reads it; equal ones give the same text, {@link #NONE} none} */
  public String text() {
    List<String> parts = new ArrayList<>(labels);
    if (cores > 0) {
      parts.add("cores=" + cores);
    }
    if (memoryMib > 0) {
      parts.add("memory=" + size(memoryMib));
    }
    if (diskMib > 0) {
      parts.add("disk=" + size(diskMib));
    }
    return String.join(",", parts);
  }

  private static String size(long mib) {
    return mib % 1_024 == 0 ? mib / 1_024 + "GiB" : mib + "MiB";
  }
}
