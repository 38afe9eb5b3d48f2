package dev.batchyard.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code ./dev bench NAME}: runs a benchmark; without a name it lists them. */
@Command(
    name = "./dev bench",
    description = "Benchmarks, side by side with peers and with the physical limit.",
    subcommands = {
      ImportBench.class,
      QueueBench.class,
      SoakBench.class,
      CountsBench.class,
      LayoutsBench.class,
      HistoryBench.class
    },
    synopsisSubcommandLabel = "NAME")
public final class Main implements Runnable {

  /** Names the configuration that keeps the logs of everything measured off standard output. */
  static final String LOGGING = "-Dlogback.configurationFile=bench-logback.xml";

  /** Exits 0 if every floor is met, 1 if one is missed or a cell failed, 2 for wrong arguments. */
  public static void main(String[] arguments) {
    String[] logging = LOGGING.substring(2).split("=", 2);
    System.setProperty(logging[0], logging[1]);
    CommandLine line = new CommandLine(new Main());
    System.exit(line.execute(arguments));
  }

  @Override
  public void run() {
    CommandLine.usage(this, System.out);
  }
}
