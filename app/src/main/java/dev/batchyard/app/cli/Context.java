package dev.batchyard.app.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * What a command line knows of the process around it.
 *
 * @param environment its variables
 * @param home of the user
 * @param folder that relative paths begin at
 * @param user who moves tasks, for their history
 * @param in standard input
 * @param out standard output, in UTF-8 whatever the locale
 * @param err standard error, in UTF-8
 * @param terminal whether a person sees the output, so that a line may be drawn again
 * @param zone that times are shown in
 * @param clock for the distance between now and then
 * @param nanos a ticker
 */
record Context(
    Map<String, String> environment,
    Path home,
    Path folder,
    String user,
    InputStream in,
    PrintStream out,
    PrintStream err,
    boolean terminal,
    ZoneId zone,
    InstantSource clock,
    LongSupplier nanos) {

  static Context ofProcess() {
    return new Context(
        System.getenv(),
        home(System.getenv(), Path.of(System.getProperty("user.home"))),
        Path.of("").toAbsolutePath(),
        System.getProperty("user.name", "unknown"),
        System.in,
        stream(FileDescriptor.out),
        stream(FileDescriptor.err),
        Optional.ofNullable(System.console()).map(java.io.Console::isTerminal).orElse(false),
        ZoneId.systemDefault(),
        InstantSource.system(),
        System::nanoTime);
  }

  /**
   * {@return what a shell writes as {@code ~}} That is {@code HOME}; Java's own notion of it comes
   * from the list of users, and stands in where the variable is missing or no absolute path.
   */
  static Path home(Map<String, String> environment, Path listed) {
    String said = environment.getOrDefault("HOME", "");
    return said.startsWith("/") ? Path.of(said) : listed;
  }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }
}
