package dev.batchyard.bench;

import dev.batchyard.bench.queue.WorkerMain;
import dev.batchyard.store.server.DatabaseAddress;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A {@link WorkerMain} seen from the benchmark. */
final class WorkerJvm implements AutoCloseable {

  private static final long ANSWER_MAX_S = 120;

  private final Process process;
  private final BufferedWriter asks;
  private final LinkedBlockingQueue<String> answers = new LinkedBlockingQueue<>();
  private final Map<Long, Long> startedNs = new ConcurrentHashMap<>();

  private WorkerJvm(Process process) {
    this.process = process;
    this.asks =
        new BufferedWriter(
            new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
  }

  /** Starts one; it works when it is told to. */
  static WorkerJvm start(String system, DatabaseAddress database, List<String> options)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add(Main.LOGGING);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(WorkerMain.class.getName(), system, database.host()));
    command.addAll(List.of(Integer.toString(database.port()), database.database()));
    command.add(database.user());
    WorkerJvm worker =
        new WorkerJvm(
            new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
    Thread.ofPlatform().name("answers of " + system).daemon().start(worker::read);
    worker.ask(database.password());
    return worker;
  }

  private void read() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.split(" ", 3);
        switch (words[0]) {
          case WorkerMain.STARTED -> startedNs.put(Long.valueOf(words[1]), Long.valueOf(words[2]));
          case WorkerMain.WORK, WorkerMain.COUNT, WorkerMain.STOP -> answers.add(line);
          default -> {
            // a library may greet
          }
        }
      }
    } catch (IOException e) {
      answers.add("cannot be read: " + e);
    }
    answers.add("ended");
  }

  private void ask(String line) throws IOException {
    asks.write(line + "\n");
    asks.flush();
  }

  private String answer(String word) throws IOException, InterruptedException {
    String said = answers.poll(ANSWER_MAX_S, TimeUnit.SECONDS);
    if (said == null || !said.startsWith(word)) {
      throw new IOException("a worker asked to %s said %s".formatted(word, said));
    }
    return said.substring(word.length()).strip();
  }

  /** Asks it to begin; {@link #working} waits for that. */
  void work() throws IOException {
    startedNs.clear();
    ask(WorkerMain.WORK);
  }

  void working() throws IOException, InterruptedException {
    var _ = answer(WorkerMain.WORK);
  }

  /** {@return the handler calls since it began} */
  long count() throws IOException, InterruptedException {
    ask(WorkerMain.COUNT);
    return Long.parseLong(answer(WorkerMain.COUNT));
  }

  /** Ends its work; the JVM stays. */
  void stop() throws IOException, InterruptedException {
    ask(WorkerMain.STOP);
    var _ = answer(WorkerMain.STOP);
  }

  /** {@return when each task that was submitted alone started, by its {@code n}} */
  Map<Long, Long> startedNs() {
    return startedNs;
  }

  /** {@return the processor time that it has used} */
  Duration cpu() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO);
  }

  @Override
  public void close() throws IOException, InterruptedException {
    asks.close();
    if (!process.waitFor(ANSWER_MAX_S, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("a worker did not end within " + ANSWER_MAX_S + " s");
    }
  }
}
