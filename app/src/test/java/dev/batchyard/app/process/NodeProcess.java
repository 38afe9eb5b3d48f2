package dev.batchyard.app.process;

import dev.batchyard.engine.crash.CrashPoint;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/** A real node: a JVM of its own, started as users start it, ended by pid. */
final class NodeProcess implements AutoCloseable {

  private static final long END_MAX_S = 60;

  private final Process process;
  private final Path log;

  private NodeProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /**
   * Starts {@code server} on a data folder.
   *
   * @param timescale of the lease and everything made from it
   */
  static NodeProcess start(Path data, String name, double timescale, Path log) throws IOException {
    return start(data, timescale, log, "server", "--name", name, "--no-web");
  }

  /** The same with handlers that do mischief. */
  static NodeProcess mischief(Path data, String name, double timescale, Path log)
      throws IOException {
    return run(
        timescale,
        log,
        List.of(),
        List.of(
            MischiefServer.class.getName(),
            "--data",
            data.toString(),
            "server",
            "--name",
            name,
            "--no-web"));
  }

  /** Starts the demo on a data folder, in a process like a node's. */
  static NodeProcess demo(Path data, double timescale, Path log) throws IOException {
    return start(data, timescale, log, "demo");
  }

  /**
   * How a {@link ProofNode} is started.
   *
   * @param data the data folder whose server it uses
   * @param proxy the port by which it reaches that server; empty if it is a member of the folder
   * @param options of its JVM
   */
  record How(
      Path data, String name, double timescale, Path log, OptionalInt proxy, List<String> options) {

    How through(OptionalInt port) {
      return new How(data, name, timescale, log, port, options);
    }

    How dyingAt(String crash) {
      List<String> more = new ArrayList<>(options);
      more.add("-D" + CrashPoint.PROPERTY + "=" + crash);
      return new How(data, name, timescale, log, proxy, more);
    }
  }

  static NodeProcess proof(How how) throws IOException {
    List<String> words =
        new ArrayList<>(List.of(ProofNode.class.getName(), how.data().toString(), how.name()));
    how.proxy().ifPresent(port -> words.add(Integer.toString(port)));
    return run(how.timescale(), how.log(), how.options(), words);
  }

  private static NodeProcess start(Path data, double timescale, Path log, String... words)
      throws IOException {
    List<String> arguments =
        new ArrayList<>(List.of("dev.batchyard.app.cli.Main", "--data", data.toString()));
    arguments.addAll(List.of(words));
    return run(timescale, log, List.of(), arguments);
  }

  private static NodeProcess run(
      double timescale, Path log, List<String> options, List<String> mainAndArguments)
      throws IOException {
    List<String> more = new ArrayList<>(List.of("-Dbatchyard.timescale=" + timescale));
    more.addAll(options);
    // a shell starts what runs behind it with Ctrl-C ignored, and so would this be
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
    command.addAll(NodeClasses.command("128m", more));
    command.addAll(mainAndArguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    return new NodeProcess(builder.start(), log);
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  Path log() {
    return log;
  }

  /** Waits until it has ended by itself; {@return the exit code, or empty if it has not} */
  OptionalInt awaitEnd(Duration most) throws InterruptedException {
    return process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS)
        ? OptionalInt.of(process.exitValue())
        : OptionalInt.empty();
  }

  /** SIGTERM; the process goes on until it has ended in good order. */
  void askToEnd() {
    process.destroy();
  }

  /** SIGKILL: no handler, no hook, no flush. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor(END_MAX_S, TimeUnit.SECONDS);
  }

  /** SIGTERM, and waits for the orderly end. */
  int terminate() throws InterruptedException {
    process.destroy();
    return awaitEnd();
  }

  /**
   * Waits until it ends by itself, or by a signal that it has been sent; {@return its exit code}
   */
  int awaitEnd() throws InterruptedException {
    if (!process.waitFor(END_MAX_S, TimeUnit.SECONDS)) {
      throw new IllegalStateException("no end within " + END_MAX_S + " s; see " + log);
    }
    return process.exitValue();
  }

  /** SIGINT, as Ctrl-C sends it; {@return the exit code, or empty if it has not ended by then} */
  OptionalInt interrupt(Duration most) throws IOException, InterruptedException {
    signal("-INT");
    return awaitEnd(most);
  }

  /** SIGSTOP: the process freezes wherever it is. */
  void freeze() throws IOException, InterruptedException {
    signal("-STOP");
  }

  /** SIGCONT: it goes on as if nothing had happened. */
  void thaw() throws IOException, InterruptedException {
    signal("-CONT");
  }

  /** SIGABRT: it ends as by a fault of its own code. */
  void crash() throws IOException, InterruptedException {
    signal("-ABRT");
    process.waitFor(END_MAX_S, TimeUnit.SECONDS);
  }

  private void signal(String name) throws IOException, InterruptedException {
    int code = new ProcessBuilder("kill", name, Long.toString(pid())).start().waitFor();
    if (code != 0) {
      throw new IllegalStateException("kill " + name + " " + pid() + " gave " + code);
    }
  }

  @Override
  public void close() throws InterruptedException {
    kill();
  }
}
