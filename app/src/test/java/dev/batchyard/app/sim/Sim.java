package dev.batchyard.app.sim;

import dev.batchyard.testkit.TestDatabase;
import dev.batchyard.testkit.TestServer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Consumer;

/** The simulation as {@code ./dev sim} runs it: 0 if nothing was violated, else 1. */
final class Sim {

  private static final String USAGE =
      """
      usage: ./dev sim [--seeds N] [--seed S] [--trace] [--bug NAME]
             ./dev sim --bugs [--bug NAME] [--seeds N] [--reseed]

      --seeds N   so many seeds, from S on (60; 1 with --trace)
      --seed S    the first seed (1)
      --trace     what happened, line by line
      --bug NAME  with a bug planted
      --bugs      each planted bug, or the one of --bug, until it is caught, in at most N seeds that are
                  likely to meet it
      --reseed    the same, for the test of planted bugs: a stored seed that does not catch its bug any more is
                  replaced by that of the shortest world of the first few that do
      """;

  private static final int SEEDS = 60;
  private static final int SHOWN_MAX = 5;

  /** So many worlds that caught a bug are looked at for the shortest. */
  private static final int CHOICE = 3;

  private static final int TOLD_EVERY = 20;

  private Sim() {}

  /** Runs seeds. */
  public static void main(String[] arguments) throws Exception {
    System.exit(run(List.of(arguments)));
  }

  private static int run(List<String> arguments) throws Exception {
    List<String> words = new ArrayList<>(arguments);
    boolean trace = words.remove("--trace");
    boolean bugs = words.remove("--bugs");
    boolean reseeds = words.remove("--reseed");
    Map<String, String> flags = new HashMap<>();
    long seed;
    long seeds;
    Bug bug;
    try {
      for (int i = 0; i < words.size(); i += 2) {
        flags.put(words.get(i), words.get(i + 1));
      }
      seed = Long.parseLong(take(flags, "--seed", "1"));
      seeds =
          Long.parseLong(
              take(
                  flags,
                  "--seeds",
                  trace || (arguments.contains("--seed") && !bugs) ? "1" : String.valueOf(SEEDS)));
      bug = Bug.valueOf(take(flags, "--bug", Bug.NONE.name()));
      if (!flags.isEmpty()) {
        throw new IllegalArgumentException("unknown: " + flags.keySet());
      }
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      System.err.print(e.getMessage() + "\n" + USAGE);
      return 2;
    }
    try (TestServer server = TestServer.undurable()) {
      TestDatabase test = server.cloneFor(Sim.class);
      try (SimDatabase database = new SimDatabase(test)) {
        return bugs
            ? catchAll(database, bug, seed, seeds, reseeds)
            : runAll(database, bug, seed, seeds, trace);
      }
    }
  }

  private static String take(Map<String, String> flags, String name, String usual) {
    String given = flags.remove(name);
    return given == null ? usual : given;
  }

  private static int runAll(SimDatabase database, Bug bug, long seed, long seeds, boolean trace)
      throws Exception {
    Consumer<String> reader = trace ? System.out::println : line -> {};
    long startedNs = System.nanoTime();
    int violated = 0;
    bug.plant(database);
    for (long each = seed; each < seed + seeds; each++) {
      Simulation.Result result = Simulation.run(each, database, bug, reader);
      if (!result.violations().isEmpty()) {
        violated++;
        tell(result, bug);
      } else if (seeds == 1) {
        System.out.println("seed " + each + ": " + result.hash() + ", nothing violated");
      }
      long done = each - seed + 1;
      if (done % TOLD_EVERY == 0) {
        System.out.printf(
            "%d seeds, %.1f seeds/s%n", done, done * 1e9 / (System.nanoTime() - startedNs));
      }
    }
    bug.pull(database);
    double s = (System.nanoTime() - startedNs) / 1e9;
    System.out.printf(
        "seeds %d to %d: %d violated something; %.1f s, %.1f seeds/s%n",
        seed, seed + seeds - 1, violated, s, seeds / s);
    return violated == 0 ? 0 : 1;
  }

  private static void tell(Simulation.Result result, Bug bug) {
    System.out.println("VIOLATED by seed " + result.seed() + ": " + result.plan());
    result
        .violations()
        .forEach((invariant, found) -> {
          System.out.println("  " + invariant + ": " + found.size());
          found.stream().limit(SHOWN_MAX).forEach(each -> System.out.println("    " + each));
        });
    System.out.println(
        "  repeat it: ./dev sim --trace --seed "
            + result.seed()
            + (bug == Bug.NONE ? "" : " --bug " + bug));
  }

  private static int catchAll(
      SimDatabase database, Bug only, long seed, long seeds, boolean reseeds) throws Exception {
    BugSeeds stored = BugSeeds.read();
    int missed = 0;
    for (Bug bug : Bug.values()) {
      if (bug == Bug.NONE || (only != Bug.NONE && only != bug)) {
        continue;
      }
      BugHunt hunt = new BugHunt(database, bug);
      long startedNs = System.nanoTime();
      bug.plant(database);
      OptionalLong known = stored.of(bug);
      if (reseeds && known.isPresent()) {
        hunt.meet(known.getAsLong());
      }
      if (hunt.seed().isEmpty()) {
        hunt.search(seed, reseeds ? CHOICE : 1, seeds);
      }
      bug.pull(database);
      if (reseeds && hunt.seed().isPresent()) {
        stored.put(bug, hunt.seed().get());
        stored.write();
      }
      missed += hunt.seed().isPresent() && bug.isMet() ? 0 : 1;
      System.out.printf(
          "%-36s %s: %s (%.1f s)%n",
          bug,
          hunt.seed().map(found -> "caught by seed " + found).orElse("MISSED"),
          hunt,
          (System.nanoTime() - startedNs) / 1e9);
    }
    System.out.println(missed == 0 ? "every bug is caught" : missed + " missed");
    return missed == 0 ? 0 : 1;
  }
}
