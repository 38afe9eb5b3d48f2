package dev.batchyard.app.engine;

import dev.batchyard.store.server.Database;
import dev.batchyard.store.server.DatabaseAddress;
import dev.batchyard.testkit.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A node in a JVM of its own whose only task never ends, to be killed. */
final class KilledNode implements AutoCloseable {

  /** What it runs. */
  static final String TYPE = "t.killed";

  /** Much longer than everything that a test does. */
  static final Duration LEASE = Duration.ofSeconds(30);

  private static final String MARK = "begun: ";

  private final Process process;
  private final BufferedReader says;

  private KilledNode(Process process) {
    this.process = process;
    this.says = process.inputReader(StandardCharsets.UTF_8);
  }

  static KilledNode start(TestDatabase database, String name) throws IOException {
    DatabaseAddress at = database.address();
    ProcessBuilder builder =
        new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                at.host(),
                Integer.toString(at.port()),
                at.database(),
                at.user(),
                name));
    builder.environment().put(Main.PASSWORD, at.password());
    return new KilledNode(builder.redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** {@return the task that it has begun; waits for that} */
  long begun() throws IOException {
    for (String line = says.readLine(); line != null; line = says.readLine()) {
      if (line.startsWith(MARK)) {
        return Long.parseLong(line.substring(MARK.length()));
      }
    }
    throw new IllegalStateException("it ended before it began a task");
  }

  /** SIGKILL. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new IllegalStateException("still alive: " + process.pid());
    }
  }

  @Override
  public void close() throws InterruptedException {
    kill();
  }

  /** The node. */
  static final class Main {
    private static final String PASSWORD = "TEST_PASSWORD";

    private Main() {}

    @SuppressWarnings("SystemOut") // its standard output is how the test hears it
    public static void main(String[] args) throws Exception {
      DatabaseAddress at =
          new DatabaseAddress(
              args[0],
              Integer.parseInt(args[1]),
              args[2],
              args[3],
              System.getenv(PASSWORD),
              Map.of());
      CountDownLatch never = new CountDownLatch(1);
      try (Nodes nodes =
          new Nodes(
              boot -> new Database(at, boot, 2),
              LEASE,
              Nodes.type(
                  TYPE,
                  1,
                  (p, context) -> {
                    System.out.println(MARK + context.lease().task());
                    never.await();
                    throw new IllegalStateException("nobody ends this");
                  }))) {
        nodes.start(args[4]);
        never.await();
      }
    }
  }
}
