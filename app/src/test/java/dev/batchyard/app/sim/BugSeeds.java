package dev.batchyard.app.sim;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** Which seed caught which planted bug when somebody last looked: so one world is enough. */
final class BugSeeds {

  /** Where it is written, seen from the root of the repository. */
  static final Path FILE = Path.of("app/src/test/resources/dev/batchyard/app/sim/bug-seeds.txt");

  private static final String HEAD =
      "# Which seed catches which planted bug; written by ./dev sim --bugs --reseed.\n";

  private final Map<Bug, Long> seeds = new EnumMap<>(Bug.class);

  private BugSeeds() {}

  /** {@return those that are stored} */
  static BugSeeds read() throws IOException {
    BugSeeds read = new BugSeeds();
    try (InputStream file =
        Objects.requireNonNull(BugSeeds.class.getResourceAsStream("bug-seeds.txt"))) {
      new String(file.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .forEach(line -> {
            int space = line.indexOf(' ');
            read.put(
                Bug.valueOf(line.substring(0, space)), Long.parseLong(line.substring(space + 1)));
          });
    }
    return read;
  }

  OptionalLong of(Bug bug) {
    Long seed = seeds.get(bug);
    return seed == null ? OptionalLong.empty() : OptionalLong.of(seed);
  }

  void put(Bug bug, long seed) {
    seeds.put(bug, seed);
  }

  /** Writes them all to {@link #FILE}. */
  void write() throws IOException {
    Files.writeString(
        FILE,
        seeds.entrySet().stream()
            .map(each -> each.getKey() + " " + each.getValue() + "\n")
            .collect(Collectors.joining("", HEAD, "")));
  }
}
