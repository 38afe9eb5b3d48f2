package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Locks on files that hold between processes and within this one. The operating system frees them
 * however the process ends.
 */
final class FileLocks {

  /**
   * The files that this JVM holds. POSIX drops all locks of a process on a file as soon as any of
   * its descriptors on that file is closed, so a held file must never be opened a second time; no
   * object but the JVM as a whole can know that.
   */
  private static final Set<Path> HELD = new HashSet<>();

  private FileLocks() {}

  /**
   * {@return the lock, or nothing if somebody has it, in this process or another}
   *
   * @param file below a folder's real path, so that one file has one name
   */
  static Optional<Held> tryLock(Path file) throws IOException {
    synchronized (HELD) {
      if (!HELD.add(file)) {
        return Optional.empty();
      }
      Optional<Held> held = Optional.empty();
      try {
        held = open(file);
        return held;
      } finally {
        if (held.isEmpty()) {
          HELD.remove(file);
        }
      }
    }
  }

  private static Optional<Held> open(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      FileLock lock = channel.tryLock();
      locked = lock != null;
      return locked ? Optional.of(new Held(file, channel)) : Optional.empty();
    } catch (OverlappingFileLockException e) {
      return Optional.empty(); // another class loader's copy of this class has it
    } finally {
      if (!locked) {
        channel.close();
      }
    }
  }

  /** A lock that is held until it is closed; closing it again changes nothing. */
  static final class Held implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;

    private Held(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
    }

    @Override
    public void close() throws IOException {
      synchronized (HELD) {
        if (channel.isOpen()) {
          HELD.remove(file);
          channel.close();
        }
      }
    }
  }
}
