package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What is known of the server process of a data directory: its {@code postmaster.pid}, and whether
 * that process is alive and really this server. A stale file, a number that another process has by
 * now, or a dead process that nobody has reaped do not count.
 *
 * @param data the data directory, as the server is told it
 */
record Postmaster(Path data) {

  private static final int PID = 0;
  private static final int PORT = 3;
  private static final int STATUS = 7;

  /** What the server does. */
  sealed interface State {
    /** It does not run. */
    record Gone() implements State {}

    /** It runs and answers nobody: it starts, recovers or stops. */
    record Changing(long pid) implements State {}

    /** It answers. */
    record Ready(long pid, int port) implements State {}
  }

  Path file() {
    return data.resolve("postmaster.pid");
  }

  /** Two small reads, cheap enough for every second. */
  State state() {
    try {
      List<String> lines = Files.readAllLines(file(), StandardCharsets.ISO_8859_1);
      long pid = Long.parseLong(lines.get(PID).strip());
      if (!isOurs(pid)) {
        return new State.Gone();
      }
      String status = lines.size() > STATUS ? lines.get(STATUS).strip() : "";
      return status.equals("ready") || status.equals("standby")
          ? new State.Ready(pid, Integer.parseInt(lines.get(PORT).strip()))
          : new State.Changing(pid);
    } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
      return new State.Gone(); // no file, or one that a crash left empty
    }
  }

  /** {@return whether a crash left processes of a server whose head is gone} */
  boolean hasOrphans() {
    return state() instanceof State.Gone && !processes().isEmpty();
  }

  /**
   * Asks the processes to end that a killed server left behind. They end by themselves when they
   * next wait for something; one in the middle of a long statement would keep the new server from
   * starting for as long.
   */
  void endOrphans() {
    if (state() instanceof State.Gone) {
      for (ProcessHandle process : processes()) {
        boolean _ = process.destroy(); // if it may not be asked, it is waited for
      }
    }
  }

  /** Every process of a server works in its data directory. */
  private List<ProcessHandle> processes() {
    List<ProcessHandle> found = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : all) {
        long pid = Long.parseLong(process.getFileName().toString());
        if (isOurs(pid)) {
          ProcessHandle.of(pid).ifPresent(found::add);
        }
      }
    } catch (IOException | NumberFormatException e) {
      return found; // what cannot be seen is waited for
    }
    return found;
  }

  private boolean isOurs(long pid) {
    Path process = Path.of("/proc", Long.toString(pid));
    try {
      return Files.readSymbolicLink(process.resolve("cwd")).equals(data.toRealPath());
    } catch (AccessDeniedException e) {
      return isPostmasterByCommand(process); // of another user's; its command anyone may read
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      return false; // it ended while it was looked at
    }
  }

  private boolean isPostmasterByCommand(Path process) {
    try {
      String command = Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1);
      String path =
          new String(data.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
      List<String> words = List.of(command.split("\0"));
      return words.getFirst().endsWith("postgres") && words.contains(path);
    } catch (IOException e) {
      return false;
    }
  }
}
