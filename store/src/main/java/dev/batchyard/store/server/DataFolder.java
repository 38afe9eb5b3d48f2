package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The folder in which everything of an installation lies: {@code pg/} the server, {@code run/}
 * port, password and locks, {@code log/}, {@code tmp/}. The processes on it are its members; each
 * holds a slot by a file lock, which the operating system frees however the process ends.
 */
public final class DataFolder {

  private static final int SLOTS_MAX = 1_000;

  /** File locks belong to the whole JVM; within it this lock takes their place. */
  private static final ReentrantLock IN_THIS_JVM = new ReentrantLock();

  private final Path root;

  private DataFolder(Path root) {
    this.root = root;
  }

  /**
   * Opens the folder, making it if need be, for its owner alone.
   *
   * @throws CannotStart if it cannot be made or written
   */
  public static DataFolder open(Path path) {
    Path root = path.toAbsolutePath().normalize();
    try {
      if (Files.exists(root) && !Files.isDirectory(root)) {
        throw new CannotStart("data folder: " + root + " is a file; choose a folder with --data");
      }
      for (Path folder :
          new Path[] {
            root, root.resolve("run"), root.resolve("log"), root.resolve("tmp"), root.resolve("pg")
          }) {
        if (!Files.isDirectory(folder)) {
          Files.createDirectories(folder);
          Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
      }
      Path probe = Files.createTempFile(root.resolve("tmp"), "probe", "");
      Files.delete(probe);
    } catch (IOException e) {
      throw new CannotStart(
          "data folder: %s cannot be written (%s); give yourself the right or choose another with --data"
              .formatted(root, reason(e)),
          e);
    }
    return new DataFolder(root);
  }

  /** {@return the folder itself} */
  public Path root() {
    return root;
  }

  /** {@return where logs go} */
  public Path log() {
    return root.resolve("log");
  }

  /** {@return where temporary files go} */
  public Path tmp() {
    return root.resolve("tmp");
  }

  Path run() {
    return root.resolve("run");
  }

  Path pg() {
    return root.resolve("pg");
  }

  /** Takes the lowest free slot of the member list, until the process ends or gives it back. */
  public Membership join() {
    for (int slot = 1; slot <= SLOTS_MAX; slot++) {
      Optional<Held> held = tryLock(memberFile(slot));
      if (held.isPresent()) {
        return new Membership(slot, held.get());
      }
    }
    throw new CannotStart("data folder: " + root + " has " + SLOTS_MAX + " members already");
  }

  /** {@return whether any process, this one included, holds a slot} */
  boolean hasMembers() {
    for (int slot = 1; slot <= SLOTS_MAX && Files.exists(memberFile(slot)); slot++) {
      Optional<Held> free = tryLock(memberFile(slot));
      if (free.isEmpty()) {
        return true;
      }
      free.get().close();
    }
    return false;
  }

  /** Runs the action while no other process or thread is inside such an action. */
  <T> T locked(java.util.function.Supplier<T> action) {
    IN_THIS_JVM.lock();
    try (FileChannel channel = channel(run().resolve("lock"));
        FileLock lock = channel.lock()) {
      if (!lock.isValid()) {
        throw new IOException("lock is not valid");
      }
      return action.get();
    } catch (IOException e) {
      throw new CannotStart("data folder: cannot lock " + run() + " (" + reason(e) + ")", e);
    } finally {
      IN_THIS_JVM.unlock();
    }
  }

  static String reason(IOException e) {
    if (e instanceof FileSystemException fs && fs.getReason() != null) {
      return fs.getReason();
    }
    return e instanceof java.nio.file.AccessDeniedException ? "permission denied" : e.toString();
  }

  private Path memberFile(int slot) {
    return run().resolve("member-" + slot);
  }

  private static Optional<Held> tryLock(Path file) {
    FileChannel channel = null;
    try {
      channel = channel(file);
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return Optional.of(new Held(channel));
      }
      channel.close();
      return Optional.empty();
    } catch (OverlappingFileLockException e) {
      closeQuietly(channel);
      return Optional.empty();
    } catch (IOException e) {
      closeQuietly(channel);
      throw new CannotStart("data folder: cannot lock " + file + " (" + reason(e) + ")", e);
    }
  }

  private static void closeQuietly(@org.jspecify.annotations.Nullable FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new CannotStart("data folder: cannot close a lock (" + reason(e) + ")", e);
      }
    }
  }

  private static FileChannel channel(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  /** A held file lock; closing the channel frees it. */
  private record Held(FileChannel channel) implements AutoCloseable {
    @Override
    public void close() {
      closeQuietly(channel);
    }
  }

  /** A slot in the member list. */
  public static final class Membership implements AutoCloseable {
    private final int slot;
    private final Held held;

    private Membership(int slot, Held held) {
      this.slot = slot;
      this.held = held;
    }

    /** {@return the number, from 1} */
    public int slot() {
      return slot;
    }

    @Override
    public void close() {
      held.close();
    }
  }
}
