package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Runs PostgreSQL's programs. They refuse root; as root they run in a user namespace of their own
 * ({@code unshare -U}), where the same files are theirs and nothing else is.
 */
final class Programs {

  private static final long RUN_MAX_S = 120;
  private static final int OUTPUT_MAX = 2_000;

  private final Path home;
  private final Path tmp;
  private final List<String> prefix;

  Programs(Path home, Path tmp) {
    this.home = home;
    this.tmp = tmp;
    this.prefix = isRoot() ? unshare() : List.of();
  }

  /** What a program left. */
  record Result(int code, String output) {}

  /** Runs a program to its end; what it starts in the background does not hold this up. */
  Result run(String program, List<String> arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.add(home.resolve("bin").resolve(program).toString());
    command.addAll(arguments);
    return run(command, tmp);
  }

  private static Result run(List<String> command, Path tmp) {
    try {
      Path output = Files.createTempFile(tmp, "program", ".out");
      try {
        ProcessBuilder builder =
            new ProcessBuilder(command)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().putAll(Map.of("LC_ALL", "C", "TZ", "UTC"));
        builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
        Process process = builder.start();
        if (!process.waitFor(RUN_MAX_S, TimeUnit.SECONDS)) {
          process.destroyForcibly();
          return new Result(-1, "no end within " + RUN_MAX_S + " s");
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
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Result(-1, "interrupted");
    }
  }

  private List<String> unshare() {
    List<String> command = List.of("unshare", "-U", "--");
    List<String> probe = new ArrayList<>(command);
    probe.add("true");
    if (run(probe, tmp).code() != 0) {
      throw new CannotStart(
          "PostgreSQL refuses to run as root and this system permits no user namespace (unshare -U);"
              + " start as another user, or give a server with --db");
    }
    return command;
  }

  private static boolean isRoot() {
    try {
      return Files.getAttribute(Path.of("/proc/self"), "unix:uid") instanceof Integer uid
          && uid == 0;
    } catch (IOException | UnsupportedOperationException e) {
      return "root".equals(System.getProperty("user.name"));
    }
  }
}
