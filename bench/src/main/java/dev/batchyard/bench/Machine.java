package dev.batchyard.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Facts of the machine that a figure is worth nothing without. Linux. */
final class Machine {

  private static final Path PROC = Path.of("/proc");
  private static final double KB_PER_MB = 1024;

  private Machine() {}

  static void print(PrintStream out) throws IOException {
    out.printf(
        Locale.ROOT,
        "# machine: %d cores (%s), %.1f GB of memory, %s %s %s%n",
        Runtime.getRuntime().availableProcessors(),
        value(PROC.resolve("cpuinfo"), "model name"),
        Double.parseDouble(value(PROC.resolve("meminfo"), "MemTotal").split(" ", 2)[0])
            / KB_PER_MB
            / KB_PER_MB,
        System.getProperty("os.name"),
        System.getProperty("os.version"),
        System.getProperty("os.arch"));
    out.printf("# JVM: %s %s%n", System.getProperty("java.vm.name"), Runtime.version());
    out.println("# " + load());
  }

  /** {@return the load averages, which tell whether others used the machine} */
  static String load() throws IOException {
    return "load average: " + Files.readString(PROC.resolve("loadavg")).strip();
  }

  /** {@return how this JVM was started, and its collectors} */
  static String jvmSettings() {
    List<String> given = ManagementFactory.getRuntimeMXBean().getInputArguments();
    return "%s; collectors %s"
        .formatted(
            String.join(" ", given.stream().filter(g -> g.startsWith("-X")).toList()),
            ManagementFactory.getGarbageCollectorMXBeans().stream().map(b -> b.getName()).toList());
  }

  /** {@return the most memory that a process ever had resident, in MB} */
  static double peakResident_mb(long pid) throws IOException {
    String text = value(PROC.resolve(Long.toString(pid)).resolve("status"), "VmHWM");
    return Double.parseDouble(text.split(" ", 2)[0]) / KB_PER_MB;
  }

  private static String value(Path file, String key) throws IOException {
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(key))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElseThrow(() -> new IOException(file + " has no " + key));
    }
  }
}
