package dev.batchyard.bench;

import dev.batchyard.bench.queue.BatchyardQueue;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;

/** The JVM of an {@link ImportNode}, started with the options of {@code ./batchyard}. */
final class NodeJvm implements AutoCloseable {

  private static final long END_MAX_S = 60;

  private final List<String> options;
  private final Process process;
  private final BufferedWriter asks;
  private final BufferedReader answers;

  private NodeJvm(Process process, List<String> options) {
    this.options = options;
    this.process = process;
    this.asks =
        new BufferedWriter(
            new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
    this.answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Starts one on a data folder; it serves when this returns. */
  static NodeJvm start(Path data) throws IOException, InterruptedException {
    List<String> options = BatchyardQueue.launcherOptions();
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add(Main.LOGGING);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(ImportNode.class.getName(), data.toString()));
    NodeJvm node =
        new NodeJvm(
            new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start(),
            options);
    String said = node.answers.readLine();
    while (said != null && !said.equals(ImportNode.READY)) { // a JVM may greet first
      said = node.answers.readLine();
    }
    if (said == null) {
      node.close();
      throw new IOException("the node ended before it was ready; it said why on standard error");
    }
    return node;
  }

  /** Imports a file with the defaults and returns when its end is durable. */
  ImportCells.Took run(Path file, String table) throws IOException {
    asks.write(table + "\t" + file + "\n");
    asks.flush();
    String said = String.valueOf(answers.readLine());
    String[] parts = said.split(" ", 3);
    if (!parts[0].equals(ImportNode.DONE)) {
      throw new IOException("the import failed: " + said);
    }
    return new ImportCells.Took(
        Double.parseDouble(parts[1]), OptionalDouble.of(Double.parseDouble(parts[2])));
  }

  /** {@return the options that it was started with} */
  List<String> options() {
    return List.copyOf(options);
  }

  /** {@return the most memory that it ever had resident, in MB} */
  double peakResident_mb() throws IOException {
    return Machine.peakResident_mb(process.pid());
  }

  @Override
  public void close() throws IOException, InterruptedException {
    asks.close();
    if (!process.waitFor(END_MAX_S, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("the node did not end within " + END_MAX_S + " s");
    }
  }
}
