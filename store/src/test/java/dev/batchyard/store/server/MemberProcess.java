package dev.batchyard.store.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A member of a data folder in a JVM of its own, for tests that kill one. */
final class MemberProcess implements AutoCloseable {

  private final Process process;
  private final BufferedReader says;
  private final BufferedWriter hears;

  private MemberProcess(Process process) {
    this.process = process;
    this.says = process.inputReader(StandardCharsets.UTF_8);
    this.hears = process.outputWriter(StandardCharsets.UTF_8);
  }

  /** A member that takes a number too. */
  static MemberProcess node(Path folder) throws IOException {
    return start("node", folder);
  }

  /**
   * A member that takes no number.
   *
   * @param before words before the command, such as {@code unshare -U --}
   */
  static MemberProcess client(Path folder, String... before) throws IOException {
    return start("client", folder, before);
  }

  private static MemberProcess start(String role, Path folder, String... before)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(before));
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            folder.toString(),
            role));
    return new MemberProcess(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** {@return the next line it says that is not of its log} */
  String line() throws IOException {
    String line = says.readLine();
    while (line != null && !line.startsWith(Main.MARK)) {
      line = says.readLine();
    }
    return line == null ? "" : line.substring(Main.MARK.length());
  }

  /** A client is a member when this returns. */
  void awaitJoined() throws IOException {
    assertThat(line()).isEqualTo("joined");
  }

  /** {@return the number that a node took} */
  int number() throws IOException {
    String line = line();
    assertThat(line).startsWith("number ");
    return Integer.parseInt(line.substring("number ".length()));
  }

  void leave() throws IOException, InterruptedException {
    hears.write("leave\n");
    hears.flush();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
  }

  void kill() throws InterruptedException {
    process.destroyForcibly();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** Joins, says its number or that it joined, or why it cannot, and leaves at the first line. */
  static final class Main {
    static final String MARK = "member: ";

    private Main() {}

    @SuppressWarnings("SystemOut") // its standard output is how the test hears it
    public static void main(String[] args) throws IOException {
      try (EmbeddedServer server = EmbeddedServer.join(DataFolder.open(Path.of(args[0])))) {
        if (args[1].equals("node")) {
          System.out.println(MARK + "number " + server.folder().takeNodeNumber().number());
        } else {
          System.out.println(MARK + "joined");
        }
        int _ = System.in.read();
      } catch (CannotStart e) {
        System.out.println(MARK + e.getMessage());
      }
    }
  }
}
