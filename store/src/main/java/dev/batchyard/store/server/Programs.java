package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs PostgreSQL's programs; as root, in the way that {@link RootWay} finds. */
final class Programs {

  /** How long a program may run, in seconds; recovery after a crash is what takes long. */
  static final int RUN_MAX_S = 660;

  private static final int OUTPUT_MAX = 2_000;

  private final Path home;
  private final Path tmp;
  private final List<String> prefix;

  private Programs(Path home, Path tmp, List<String> prefix) {
    this.home = home;
    this.tmp = tmp;
    this.prefix = prefix;
  }

  /**
   * The programs below a folder, to be run on a database's directory.
   *
   * @throws CannotStart as root, if there is no way to run them
   */
  static Programs of(Path home, Path tmp, Path data) {
    List<String> prefix =
        RootWay.isRoot() ? RootWay.prefix(data, words -> works(words, tmp)) : List.of();
    return new Programs(home, tmp, prefix);
  }

  /** What a program left: its exit code, or -1 if it could not run, and the end of its output. */
  record Result(int code, String output) {
    String line() {
      return output.replaceAll("\\s+", " ").strip();
    }
  }

  /** Runs a program to its end; what it starts in the background does not hold this up. */
  Result run(String program, List<String> arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.add(home.resolve("bin").resolve(program).toString());
    command.addAll(arguments);
    return run(command, tmp);
  }

  private static boolean works(List<String> words, Path tmp) {
    List<String> command = new ArrayList<>(words);
    command.add("true");
    return run(command, tmp).code() == 0;
  }

  private static Result run(List<String> command, Path tmp) {
    try {
      Path output = Files.createTempFile(tmp, "program", ".out");
      try {
        Process process = process(command, output).start();
        if (!ended(process)) {
          return new Result(-1, command.getFirst() + " did not end within " + RUN_MAX_S + " s");
        }
        String text = Files.readString(output, StandardCharsets.UTF_8).strip();
        return new Result(
            process.exitValue(),
            text.length() > OUTPUT_MAX ? text.substring(text.length() - OUTPUT_MAX) : text);
      } finally {
        Files.deleteIfExists(output);
      }
    } catch (IOException e) {
      return new Result(-1, DataFolder.reason(e));
    }
  }

  private static ProcessBuilder process(List<String> command, Path output) {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(Path.of("/").toFile())
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
    builder.environment().putAll(Map.of("LC_ALL", "C", "TZ", "UTC"));
    return builder;
  }

  private static boolean ended(Process process) {
    try {
      if (process.waitFor(RUN_MAX_S, TimeUnit.SECONDS)) {
        return true;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.destroyForcibly();
    return false;
  }
}
