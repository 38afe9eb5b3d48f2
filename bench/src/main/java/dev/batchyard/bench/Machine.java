package dev.batchyard.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Facts of the machine that a figure is worth nothing without. Linux. */
final class Machine {

  private static final Path PROC = Path.of("/proc");
  private static final double KB_PER_MB = 1024;

  // proc(5), /proc/PID/stat, counted from behind the name; Linux gives times in hundredths
  private static final int PARENT = 1;
  private static final int USER = 11;
  private static final int SYSTEM = 12;
  private static final int ENDED_USER = 13;
  private static final int ENDED_SYSTEM = 14;
  private static final long NS_PER_TICK = 10_000_000;

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

  /**
   * {@return the processor time of a process, of its children, and of those children that have
   * ended} They have one thread each. Read once more, it can only have grown.
   */
  static Duration cpu(long pid) throws IOException {
    long ns = 0;
    List<Path> processes;
    try (Stream<Path> all = Files.list(PROC)) {
      processes = all.filter(file -> file.getFileName().toString().matches("[0-9]+")).toList();
    }
    for (Path process : processes) {
      Optional<String[]> stat = stat(process);
      if (stat.isPresent()) {
        String[] fields = stat.get();
        boolean self = process.getFileName().toString().equals(Long.toString(pid));
        if (self || fields[PARENT].equals(Long.toString(pid))) {
          ns += ran_ns(process, ticks(fields, USER, SYSTEM));
        }
        if (self) {
          ns += ticks(fields, ENDED_USER, ENDED_SYSTEM) * NS_PER_TICK;
        }
      }
    }
    return Duration.ofNanos(ns);
  }

  private static long ticks(String[] fields, int user, int system) {
    return Long.parseLong(fields[user]) + Long.parseLong(fields[system]);
  }

  /**
   * By schedstat, which counts nanoseconds: hundreds of processes that all do the same pass the
   * next hundredth of a second all at once, or just not. Where the kernel has none, ticks must do.
   */
  private static long ran_ns(Path process, long ticks) {
    try {
      return Long.parseLong(Files.readString(process.resolve("schedstat")).split(" ", 2)[0]);
    } catch (IOException e) {
      return ticks * NS_PER_TICK;
    }
  }

  /** What follows the name, which may hold blanks; nothing if the process has ended meanwhile. */
  private static Optional<String[]> stat(Path process) {
    try {
      String text = Files.readString(process.resolve("stat"));
      return Optional.of(text.substring(text.lastIndexOf(')') + 2).split(" "));
    } catch (IOException e) {
      return Optional.empty();
    }
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
