package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What PostgreSQL writes into {@code log/}: one file with the words of its last start, and files of
 * at most 10 MB with all it says later, of which the newest are kept.
 */
record ServerLog(Path folder) {

  private static final Logger LOG = LoggerFactory.getLogger(ServerLog.class);

  /** PostgreSQL begins a new file at this size. */
  static final String FILE_SIZE_MAX = "10MB";

  /** Names sort by the time of their first line. */
  static final String FILE_NAME = "postgresql-%Y%m%d-%H%M%S.log";

  private static final String FILES = "postgresql-[0-9]*.log";
  private static final int FILES_MAX = 10;
  private static final int TAIL_BYTES = 64 * 1024;

  Path startFile() {
    return folder.resolve("postgresql-start.log");
  }

  /** Forgets what the last start said. */
  void beginStart() {
    try {
      Files.deleteIfExists(startFile());
    } catch (IOException e) {
      throw DataFolder.cannot("write", startFile(), e);
    }
  }

  /** {@return what this start said so far} Empty if it said nothing. */
  String startText() {
    return tail(startFile());
  }

  /** {@return the last line in which the server said why it ended} */
  Optional<String> whyItEnded() {
    return lastFatal(startText())
        .or(() -> files().stream().findFirst().map(ServerLog::tail).flatMap(ServerLog::lastFatal));
  }

  /** {@return how far the newest file goes, to be compared after a start} */
  String end() {
    return files().stream().findFirst().map(file -> file + " " + file.toFile().length()).orElse("");
  }

  /**
   * {@return whether the server was killed in the start before which the log ended there} Whatever
   * else ends it, it says that it is shut down, or why it does not start.
   */
  boolean breaksOff(String endBefore) {
    if (!startText().lines().allMatch(line -> line.contains("LOG:") || line.contains("HINT:"))) {
      return false; // some reasons have no word before them
    }
    return end().equals(endBefore)
        || files().stream()
            .findFirst()
            .map(file -> tail(file).strip())
            .filter(text -> !text.endsWith("database system is shut down"))
            .isPresent();
  }

  /** Deletes the oldest files beyond what is kept. */
  void prune() {
    files().stream().skip(FILES_MAX).forEach(ServerLog::delete);
  }

  private static Optional<String> lastFatal(String text) {
    List<String> lines = text.lines().toList();
    return lines.reversed().stream()
        .filter(line -> line.contains("FATAL:") || line.contains("PANIC:"))
        .map(line -> line.replaceFirst("^.*?(FATAL|PANIC):\\s*", ""))
        .findFirst();
  }

  /** The newest first. */
  private List<Path> files() {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder, FILES)) {
      all.forEach(files::add);
    } catch (IOException e) {
      return List.of(); // nothing to read or to prune
    }
    files.sort(Comparator.reverseOrder());
    return files;
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("cannot delete {}: {}", file, DataFolder.reason(e));
    }
  }

  private static String tail(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long from = Math.max(0, channel.size() - TAIL_BYTES);
      ByteBuffer bytes = ByteBuffer.allocate((int) (channel.size() - from));
      int read = channel.read(bytes, from);
      return new String(bytes.array(), 0, Math.max(0, read), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }
}
