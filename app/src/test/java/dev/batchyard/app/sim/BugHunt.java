package dev.batchyard.app.sim;

import java.sql.SQLException;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Worlds that a planted bug is looked for in, until one catches it. */
final class BugHunt {

  private final SimDatabase database;
  private final Bug bug;

  /** The length of each world that caught it, by its seed. */
  private final Map<Long, Long> caught = new TreeMap<>();

  private String violated = "nothing violated";
  private int worlds;

  BugHunt(SimDatabase database, Bug bug) {
    this.database = database;
    this.bug = bug;
  }

  /** Tries a seed. */
  void meet(long seed) throws SQLException {
    worlds++;
    Simulation.Result result = Simulation.run(seed, database, bug, line -> {});
    if (result.violations().containsKey(bug.caughtBy())) {
      caught.put(seed, result.lines());
    }
    if (!result.violations().isEmpty()) {
      violated = "seed " + seed + ": " + String.join("; ", result.violations().keySet());
    }
  }

  /** Tries seeds that are likely to meet it until some have caught it, or so many have not. */
  void search(long from, int enough, long worldsMax) throws SQLException {
    for (long seed = from; caught.size() < enough && worlds < worldsMax; seed++) {
      if (bug.mayBeMetBy(bug.plan(seed))) {
        meet(seed);
      }
    }
  }

  /** {@return the seed of the shortest world that caught it} */
  Optional<Long> seed() {
    return caught.entrySet().stream()
        .min(Comparator.comparingLong(Map.Entry::getValue))
        .map(Map.Entry::getKey);
  }

  /** {@return what came of it} */
  @Override
  public String toString() {
    return "%d of %d worlds caught it, %s%s"
        .formatted(caught.size(), worlds, violated, bug.isMet() ? "" : "; its text is nowhere");
  }
}
