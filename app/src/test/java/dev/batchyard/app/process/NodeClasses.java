package dev.batchyard.app.process;

import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The classes of a node, loaded and linked once for all the nodes that a run of the tests starts: a
 * start costs half the processor time. An AOT cache of the JDK (JEP 514) does that for jars only,
 * so where the class path has folders nodes start as ever.
 */
final class NodeClasses {

  private static final long TRAINING_MAX_S = 180;

  /** What all nodes are started with; a cache serves only those that share these. */
  private static final List<String> JVM =
      List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError");

  private static final List<String> OPTIONS = options();

  private NodeClasses() {}

  /** {@return the beginning of a command that starts a node: program, options, class path} */
  static List<String> command(String heap, List<String> more) {
    List<String> command = new ArrayList<>(List.of(java(), "-Xmx" + heap));
    command.addAll(JVM);
    command.addAll(OPTIONS);
    command.addAll(more);
    command.addAll(List.of("-cp", classPath()));
    return command;
  }

  private static List<String> options() {
    List<Path> entries = entries();
    if (!entries.stream().allMatch(Files::isRegularFile)) {
      return List.of();
    }
    try {
      return List.of("-XX:AOTCache=" + cache(entries));
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException("no cache of a node's classes", e);
    }
  }

  /** The JVMs of a run wait for the first one, which trains. */
  private static Path cache(List<Path> entries) throws IOException, InterruptedException {
    Path target = Files.createDirectories(Path.of("target").toAbsolutePath());
    Path cache = target.resolve("node.aot");
    try (FileChannel channel =
            FileChannel.open(
                target.resolve("node.aot.lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      if (isStale(cache, entries)) {
        Path fresh = target.resolve("node.aot.new");
        train(target, fresh);
        Files.move(fresh, cache, StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return cache;
  }

  private static boolean isStale(Path cache, List<Path> entries) throws IOException {
    if (!Files.exists(cache)) {
      return true;
    }
    for (Path entry : entries) {
      if (Files.getLastModifiedTime(entry).compareTo(Files.getLastModifiedTime(cache)) > 0) {
        return true;
      }
    }
    return false;
  }

  /** Runs the demo, which needs nearly all that a node needs, and ends by itself. */
  private static void train(Path target, Path cache) throws IOException, InterruptedException {
    Path data = Files.createTempDirectory(target, "training");
    Path log = target.resolve("training.log");
    List<String> command = new ArrayList<>(List.of(java(), "-Xmx128m"));
    command.addAll(JVM);
    command.add("-XX:AOTCacheOutput=" + cache);
    command.addAll(List.of("-cp", classPath()));
    command.addAll(
        List.of("dev.batchyard.app.cli.Main", "--data", data.resolve("data").toString(), "demo"));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .redirectInput(Path.of("/dev/null").toFile())
            .start();
    try {
      if (!process.waitFor(TRAINING_MAX_S, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IOException("the training failed; see " + log);
      }
    } finally {
      process.destroyForcibly();
      try (Stream<Path> all = Files.walk(data)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  private static String classPath() {
    return String.join(
        File.pathSeparator, entries().stream().map(Path::toString).toArray(String[]::new));
  }

  /** A module without classes of its own has folders there that do not exist. */
  private static List<Path> entries() {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
        .map(entry -> Path.of(entry))
        .filter(Files::exists)
        .toList();
  }
}
