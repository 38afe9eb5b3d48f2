package dev.batchyard.app.process;

import dev.batchyard.engine.crash.CrashPoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The long proofs, as {@code ./dev prove} runs them: a line of figures, 1 when violated. */
final class Prove {

  private static final String USAGE =
      """
      usage: ./dev prove queue [--kills N] [--crashes N] [--seed S]
             ./dev prove mix [--minutes N] [--seed S]
             ./dev prove import [--blows N] [--seed S]
             ./dev prove failover [--kills N] [--black-holes N] [--seed S]
             ./dev prove outage [--minutes N] [--seed S]
             ./dev chaos [--kills N] [--freezes N] [--crashes N] [--lost-replies N] [--silences N]
                         [--deaths N] [--seconds N] [--seed S]
             ./dev prove compensation [--tasks N] [--kills N] [--seed S]
             ./dev prove pools [--blows N] [--seed S]
             ./dev prove split [--parts N] [--kills N] [--seed S]
      """;

  private static final int PAUSE_MS_MAX = 80;

  private Prove() {}

  /**
   * Runs one proof.
   *
   * @param arguments its name and flags, each with a number
   */
  public static void main(String[] arguments) throws Exception {
    System.exit(run(List.of(arguments)));
  }

  /** One of them. */
  private interface Proof {
    /** Does it in a folder and tells the figures; {@return whether everything held} */
    boolean run(Path folder) throws Exception;
  }

  private static int run(List<String> arguments) throws Exception {
    Map<String, Long> flags = new HashMap<>();
    Proof proof;
    long seed;
    try {
      for (int i = 1; i < arguments.size(); i += 2) {
        flags.put(arguments.get(i), Long.valueOf(arguments.get(i + 1)));
      }
      seed = take(flags, "--seed", System.nanoTime());
      proof = proof(arguments.isEmpty() ? "" : arguments.getFirst(), flags, seed);
      if (!flags.isEmpty()) {
        throw new IllegalArgumentException("unknown: " + flags.keySet());
      }
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      System.err.print(e.getMessage() + "\n" + USAGE);
      return 2;
    }
    System.out.println("seed " + seed + " ...");
    Path folder = Files.createTempDirectory("batchyard-prove");
    if (proof.run(folder)) {
      delete(folder);
      return 0;
    }
    System.out.println("data and logs are kept in " + folder);
    return 1;
  }

  private static Proof proof(String name, Map<String, Long> flags, long seed) {
    return switch (name) {
      case "queue" -> {
        int kills = Math.toIntExact(take(flags, "--kills", 100));
        int crashes = Math.toIntExact(take(flags, "--crashes", 20));
        yield folder -> queue(folder, QueueProof.Plan.queue(seed, kills, crashes));
      }
      case "mix" -> {
        Duration length = Duration.ofMinutes(take(flags, "--minutes", 10));
        yield folder -> queue(folder, QueueProof.Plan.mix(seed, length));
      }
      case "import" -> {
        int blows = Math.toIntExact(take(flags, "--blows", 20));
        yield folder -> imports(folder, seed, blows);
      }
      case "failover" -> {
        int kills = Math.toIntExact(take(flags, "--kills", 30));
        int holes = Math.toIntExact(take(flags, "--black-holes", 3));
        yield folder -> failover(folder, seed, kills, holes);
      }
      case "outage" -> {
        Duration length = Duration.ofMinutes(take(flags, "--minutes", 10));
        yield folder -> queue(folder, QueueProof.Plan.outage(seed, length, 1));
      }
      case "chaos" -> {
        Blow.Counts blows =
            new Blow.Counts(
                Math.toIntExact(take(flags, "--kills", 20)),
                Math.toIntExact(take(flags, "--freezes", 10)),
                Math.toIntExact(take(flags, "--crashes", 4)),
                Math.toIntExact(take(flags, "--lost-replies", 65)),
                Math.toIntExact(take(flags, "--silences", 6)),
                Duration.ZERO);
        int deaths = Math.toIntExact(take(flags, "--deaths", 2));
        Duration least = Duration.ofSeconds(take(flags, "--seconds", 5));
        yield folder -> chaos(folder, seed, blows, deaths, least);
      }
      case "compensation" -> {
        int tasks = Math.toIntExact(take(flags, "--tasks", 500));
        int kills = Math.toIntExact(take(flags, "--kills", 50));
        yield folder -> compensation(folder, new CompensationProof.Plan(seed, tasks, kills));
      }
      case "pools" -> {
        int blows = Math.toIntExact(take(flags, "--blows", 100));
        yield folder -> pools(folder, seed, blows);
      }
      case "split" -> {
        int parts = Math.toIntExact(take(flags, "--parts", 100_000));
        int kills = Math.toIntExact(take(flags, "--kills", 20));
        yield folder -> split(folder, new SplitProof.Plan(seed, parts, kills));
      }
      default -> throw new IllegalArgumentException("no such proof: '" + name + "'");
    };
  }

  private static boolean queue(Path folder, QueueProof.Plan plan) throws Exception {
    Aftermath.Report report;
    try (QueueProof proof = new QueueProof(folder, plan)) {
      report = proof.run();
    }
    return told(report);
  }

  /**
   * Blows at random under load, then deaths at each crash point.
   *
   * @param deaths at each point
   */
  private static boolean chaos(
      Path folder, long seed, Blow.Counts blows, int deaths, Duration least) throws Exception {
    boolean fine =
        queue(
            Files.createDirectory(folder.resolve("blows")),
            QueueProof.Plan.chaos(seed, blows, least, PAUSE_MS_MAX));
    if (deaths > 0) {
      try (CrashProof proof =
          new CrashProof(Files.createDirectory(folder.resolve("deaths")), seed)) {
        List<String> missed = new ArrayList<>();
        for (int round = 0; round < deaths; round++) {
          for (CrashPoint point : CrashPoint.values()) {
            missed.addAll(proof.die(point));
          }
        }
        missed.forEach(each -> System.out.println("VIOLATED: " + each));
        fine = told(proof.report()) && missed.isEmpty() && fine;
      }
    }
    if (!fine) {
      System.out.println(
          "again: ./dev chaos --kills %d --freezes %d --crashes %d --lost-replies %d --silences %d --deaths %d --seconds %d --seed %d"
              .formatted(
                  blows.kills(),
                  blows.freezes(),
                  blows.crashes(),
                  blows.lostReplies(),
                  blows.silences(),
                  deaths,
                  least.toSeconds(),
                  seed));
    }
    return fine;
  }

  private static boolean failover(Path folder, long seed, int kills, int holes) throws Exception {
    try (FailoverProof proof = new FailoverProof(folder, seed, 3, 1)) {
      List<Duration> killed = proof.afterKills(kills);
      Duration p99 = killed.get(Math.min(kills - 1, kills * 99 / 100));
      System.out.println(
          "%d kills: tasks run elsewhere after %d ms (median), %d ms (p99), %d ms (most)"
              .formatted(
                  kills,
                  killed.get(kills / 2).toMillis(),
                  p99.toMillis(),
                  killed.getLast().toMillis()));
      boolean fine = p99.compareTo(FailoverProof.KILLED_MAX) <= 0;
      for (int n = 0; n < holes; n++) {
        Cut cut = n % 2 == 0 ? Cut.BLACK_HOLE : Cut.ONE_WAY;
        Duration unheard = proof.after(cut);
        System.out.println(cut + ": after " + unheard.toMillis() + " ms");
        fine &= unheard.compareTo(FailoverProof.UNHEARD_MAX) <= 0;
      }
      return fine;
    }
  }

  private static boolean compensation(Path folder, CompensationProof.Plan plan) throws Exception {
    CompensationProof.Report report;
    try (CompensationProof proof = new CompensationProof(folder, plan)) {
      report = proof.run();
    }
    System.out.println(report.figures());
    return told(report.violations());
  }

  private static boolean pools(Path folder, long seed, int blows) throws Exception {
    try (PoolProof proof = new PoolProof(folder, seed)) {
      PoolProof.Report report = proof.run(blows);
      System.out.println(report.figures());
      report.violations().forEach(each -> System.out.println("VIOLATED: " + each));
      boolean late = report.most().compareTo(PoolProof.NEXT_MAX) > 0;
      if (late) {
        System.out.println("VIOLATED: the next one starts within " + PoolProof.NEXT_MAX);
      }
      return report.violations().isEmpty() && !late;
    }
  }

  private static boolean split(Path folder, SplitProof.Plan plan) throws Exception {
    try (SplitProof proof = new SplitProof(folder, plan)) {
      SplitProof.Report report = proof.run();
      System.out.println(report.figures());
      return told(report.violations());
    }
  }

  private static boolean told(Aftermath.Report report) {
    System.out.println(report.figures());
    System.out.println(report.verdict());
    return told(report.violations());
  }

  private static boolean told(Map<String, List<String>> violations) {
    violations.forEach((name, found) -> {
      System.out.println("VIOLATED: " + name + ": " + found.size());
      found.stream().limit(10).forEach(each -> System.out.println("  " + each));
    });
    return violations.isEmpty();
  }

  /** One import whose nodes are killed, and one whose nodes are stopped. */
  private static boolean imports(Path folder, long seed, int blows) throws Exception {
    Path killed = Files.createDirectory(folder.resolve("killed"));
    Path stopped = Files.createDirectory(folder.resolve("stopped"));
    try {
      try (ImportYard yard = new ImportYard(killed, ImportYard.TIMESCALE, seed, blows)) {
        yard.proveKilled();
      }
      try (ImportYard yard = new ImportYard(stopped, ImportYard.TIMESCALE, seed, blows)) {
        yard.proveStopped();
      }
    } catch (AssertionError e) {
      System.out.println("VIOLATED: " + e.getMessage());
      return false;
    }
    System.out.println(
        "seed %d: %d kills and %d SIGTERMs in imports of %d rows; nothing lost, doubled or charged"
            .formatted(seed, blows, blows, blows * ImportYard.ROWS_PER_BLOW));
    return true;
  }

  private static long take(Map<String, Long> flags, String name, long usual) {
    Long given = flags.remove(name);
    return given == null ? usual : given;
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      all.sorted(Comparator.reverseOrder())
          .forEach(path -> {
            try {
              Files.delete(path);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }
}
