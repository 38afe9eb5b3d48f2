package dev.batchyard.store;

import dev.batchyard.engine.port.Pools.Pool;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32;

/**
 * The pools that a task names as its lane names them. A lane for each key would be lanes without
 * end, which every claim would have to look at; so keys are spread over lines, and those of one
 * line share its slots: at most as many run with one key as it says, now and then fewer. The spread
 * must stay as it is: tasks of one key that wait in two lines would not see each other.
 */
final class PoolLines {

  private static final char BEFORE_KEY = ':';

  private PoolLines() {}

  static boolean hasKey(String named) {
    return named.indexOf(BEFORE_KEY) >= 0;
  }

  /** {@return the name of the pool} */
  static String pool(String named) {
    return hasKey(named) ? named.substring(0, named.indexOf(BEFORE_KEY)) : named;
  }

  /** {@return the line of keys, of a line of a pool} */
  static String ofKeys(String line) {
    return line.substring(line.indexOf(BEFORE_KEY) + 1);
  }

  /** {@return units by pool, or by line of a pool} Two keys of one line are one use of it. */
  static SortedMap<String, Integer> of(Map<String, Integer> named) {
    SortedMap<String, Integer> lines = new TreeMap<>();
    named.forEach((name, units) -> lines.merge(line(name), units, Math::max));
    return lines;
  }

  private static String line(String named) {
    if (!hasKey(named)) {
      return named;
    }
    CRC32 sum = new CRC32();
    sum.update(named.substring(named.indexOf(BEFORE_KEY) + 1).getBytes(StandardCharsets.UTF_8));
    return "%s%c%02x".formatted(pool(named), BEFORE_KEY, sum.getValue() % Pool.LINES);
  }
}
