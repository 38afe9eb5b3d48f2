package dev.batchyard.api;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What a node may be marked with, so that tasks can ask for it: a key such as {@code gpu}, or a key
 * and a value such as {@code gpu=a100}.
 */
public final class NodeLabels {

  /** The most labels of a node, and of what a task requires. */
  public static final int COUNT_MAX = 16;

  /** The most characters of a key, and of a value. */
  public static final int LENGTH_MAX = 63;

  /** Keys that stand for the machine itself in what a task requires. */
  static final List<String> RESERVED = List.of("cores", "memory", "disk");

  /** The key of a label that every node has, with its name. */
  public static final String NODE = "node";

  private static final Pattern LABEL =
      Pattern.compile(
          "[\\p{L}\\p{N}][\\p{L}\\p{N}._-]{0,%1$d}(=[\\p{L}\\p{N}][\\p{L}\\p{N}._-]{0,%1$d})?"
              .formatted(LENGTH_MAX - 1));

  private NodeLabels() {}

  /**
   * Reads the labels that a node is given, with commas between.
   *
   * @return them in order; each key once
   * @throws IllegalArgumentException saying what is wrong with one of them
   */
  public static SortedSet<String> parse(String text) {
    if (text.isBlank()) {
      return Collections.emptySortedSet();
    }
    SortedSet<String> labels =
        checked(Arrays.stream(text.split(",", -1)).map(String::strip).toList());
    if (labels.stream().anyMatch(label -> key(label).equals(NODE))) {
      throw new IllegalArgumentException(
          "'%s' is a label that every node has, with its name; take another key".formatted(NODE));
    }
    return labels;
  }

  /**
   * Checks labels.
   *
   * @return them in order
   * @throws IllegalArgumentException saying what is wrong with one of them
   */
  static SortedSet<String> checked(Iterable<String> labels) {
    SortedSet<String> checked = new TreeSet<>();
    SortedSet<String> keys = new TreeSet<>();
    for (String label : labels) {
      if (!LABEL.matcher(label).matches()) {
        throw new IllegalArgumentException(
            "'%s' is no label; write key or key=value, each 1 to %d letters, digits, dots, dashes and underscores, a letter or digit first"
                .formatted(shown(label), LENGTH_MAX));
      }
      String key = key(label);
      if (RESERVED.contains(key)) {
        throw new IllegalArgumentException(
            "'%s': %s stand for the machine itself; take another key"
                .formatted(label, String.join(", ", RESERVED)));
      }
      if (!keys.add(key) || !checked.add(label)) {
        throw new IllegalArgumentException(
            "'%s': the key is there twice; keep one".formatted(label));
      }
    }
    if (checked.size() > COUNT_MAX) {
      throw new IllegalArgumentException(
          "%d labels; at most %d: leave some out".formatted(checked.size(), COUNT_MAX));
    }
    return Collections.unmodifiableSortedSet(checked);
  }

  static String shown(String label) {
    String line = label.replaceAll("[\\p{Cntrl}\\u2028\\u2029]", " ");
    return line.length() > LENGTH_MAX ? line.substring(0, LENGTH_MAX) + "…" : line;
  }

  /** {@return what stands before the sign} */
  static String key(String label) {
    int sign = label.indexOf('=');
    return sign < 0 ? label : label.substring(0, sign);
  }
}
