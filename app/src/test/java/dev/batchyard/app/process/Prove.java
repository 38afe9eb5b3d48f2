package dev.batchyard.app.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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
      """;

  private Prove() {}

  /**
   * Runs one proof.
   *
   * @param arguments its name and flags, each with a number
   */
  public static void main(String[] arguments) throws Exception {
    System.exit(run(List.of(arguments)));
  }

  private static int run(List<String> arguments) throws Exception {
    Map<String, Long> flags = new HashMap<>();
    QueueProof.Plan plan;
    try {
      for (int i = 1; i < arguments.size(); i += 2) {
        flags.put(arguments.get(i), Long.valueOf(arguments.get(i + 1)));
      }
      long seed = take(flags, "--seed", System.nanoTime());
      plan =
          switch (arguments.isEmpty() ? "" : arguments.getFirst()) {
            case "queue" ->
                QueueProof.Plan.queue(
                    seed,
                    Math.toIntExact(take(flags, "--kills", 100)),
                    Math.toIntExact(take(flags, "--crashes", 20)));
            case "mix" ->
                QueueProof.Plan.mix(seed, Duration.ofMinutes(take(flags, "--minutes", 10)));
            default -> throw new IllegalArgumentException("no such proof");
          };
      if (!flags.isEmpty()) {
        throw new IllegalArgumentException("unknown: " + flags.keySet());
      }
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      System.err.print(e.getMessage() + "\n" + USAGE);
      return 2;
    }
    System.out.println("seed " + plan.seed() + " ...");
    Path folder = Files.createTempDirectory("batchyard-prove");
    QueueProof.Report report;
    try (QueueProof proof = new QueueProof(folder, plan)) {
      report = proof.run();
    }
    System.out.println(report.figures());
    report
        .violations()
        .forEach((name, found) -> {
          System.out.println("VIOLATED: " + name + ": " + found.size());
          found.stream().limit(10).forEach(each -> System.out.println("  " + each));
        });
    if (report.violations().isEmpty()) {
      delete(folder);
      return 0;
    }
    System.out.println("data and logs are kept in " + folder);
    return 1;
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
