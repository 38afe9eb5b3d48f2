package dev.batchyard.store.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * The folder in which everything of an installation lies: {@code pg/} the server, {@code run/}
 * port, password and locks, {@code log/}, {@code tmp/}. The processes that need its server are its
 * members. Members, and numbers of nodes, are file locks, which the operating system frees however
 * a process ends.
 */
public final class DataFolder {

  /** The cure of a full disk. */
  static final String MORE_SPACE =
      "free some space (a new folder needs 250 MB) or choose another disk with --data";

  private static final String MEMBER = "member-";
  private static final String NODE = "node-";
  private static final int NUMBERS_MAX = 1_000;

  /** What may lie in a folder before it is a data folder, or after a crash in the first start. */
  private static final Set<String> FIRST_IN_IT =
      Set.of("batchyard.yaml", "lost+found", "run", "log", "tmp", "pg");

  /** A start may recover gigabytes of log before it gives the folder's lock back. */
  private static final int LOCK_WAIT_MAX_S = 900;

  private static final long LOOK_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(10);

  /** One action at a time in this JVM, so that {@code run/lock} is opened once only. */
  private static final ReentrantLock IN_THIS_JVM = new ReentrantLock();

  private final Path root;

  private DataFolder(Path root) {
    this.root = root;
  }

  /**
   * Opens the folder, making it if need be, for its owner alone.
   *
   * @throws CannotStart if it cannot be made or written, or holds what is not ours
   */
  public static DataFolder open(Path path) {
    Path root = path.toAbsolutePath().normalize();
    try {
      if (Files.exists(root) && !Files.isDirectory(root)) {
        throw new CannotStart("data folder: " + root + " is a file; choose a folder with --data");
      }
      make(root);
      refuseForeign(root);
      for (String name : List.of("run", "log", "tmp", "pg")) {
        make(root.resolve(name));
        Files.deleteIfExists(Files.createTempFile(root.resolve(name), ".probe", ""));
      }
      return new DataFolder(root.toRealPath());
    } catch (IOException e) {
      throw cannot("write", root, e);
    }
  }

  /** A folder of somebody else's, given by mistake, shall not be strewn with ours. */
  private static void refuseForeign(Path root) throws IOException {
    if (Files.isDirectory(root.resolve("run")) && Files.isDirectory(root.resolve("pg"))) {
      return; // what somebody put beside it since is his own affair
    }
    try (DirectoryStream<Path> all = Files.newDirectoryStream(root)) {
      for (Path entry : all) {
        String name = entry.getFileName().toString();
        if (!FIRST_IN_IT.contains(name)) {
          throw new CannotStart(
              "data folder: %s holds '%s' and nothing of Batchyard's; choose a new or empty folder with --data"
                  .formatted(root, name));
        }
      }
    }
  }

  private static void make(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    if (folder.getParent() != null) {
      Files.createDirectories(folder.getParent());
    }
    try {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw e;
      }
    }
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

  /**
   * Takes the lowest free number of the nodes of this folder, for a name that is the same after a
   * restart. Processes that only look or submit take none, or a node that starts again beside them
   * would find another name and could not take back at once what its dead boot held.
   *
   * @throws CannotStart if all numbers are taken, or the list cannot be written
   */
  public NodeNumber takeNodeNumber() {
    return locked(() -> {
      Numbered taken = lowestFree(NODE);
      return new NodeNumber(taken.number(), taken.held());
    });
  }

  /**
   * Becomes a member: somebody who needs the folder's own server up. For who holds the folder's
   * lock.
   */
  FileLocks.Held join() {
    return lowestFree(MEMBER).held();
  }

  /** {@return whether any process, this one included, needs the folder's server} */
  boolean hasMembers() {
    for (int n = 1; n <= NUMBERS_MAX && Files.exists(file(MEMBER, n)); n++) {
      Optional<FileLocks.Held> free = tryLock(file(MEMBER, n));
      if (free.isEmpty()) {
        return true;
      }
      release(free.get());
    }
    return false;
  }

  private record Numbered(int number, FileLocks.Held held) {}

  private Numbered lowestFree(String kind) {
    for (int n = 1; n <= NUMBERS_MAX; n++) {
      Optional<FileLocks.Held> held = tryLock(file(kind, n));
      if (held.isPresent()) {
        return new Numbered(n, held.get());
      }
    }
    throw new CannotStart(
        "data folder: %s has %d processes already; end some of them".formatted(root, NUMBERS_MAX));
  }

  /**
   * Runs the action while no other process or thread is inside such an action. It has a thread of
   * its own, since an interrupt closes the files that the interrupted thread reads: half an action
   * would take a living server for a dead one, or leave one that nobody stops. The caller waits,
   * and is interrupted again when the action is over.
   */
  <T> T locked(Supplier<T> action) {
    if (IN_THIS_JVM.isHeldByCurrentThread()) {
      throw new IllegalStateException("the lock of a data folder is not reentrant");
    }
    FutureTask<T> task = new FutureTask<>(() -> alone(action));
    Thread.ofPlatform().name("batchyard-data-folder").daemon().start(task);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException unchecked -> throw unchecked;
        case Error error -> throw error;
        case null, default -> throw new IllegalStateException(e);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private <T> T alone(Supplier<T> action) {
    IN_THIS_JVM.lock();
    try (FileLocks.Held held = lockFolder()) {
      return action.get();
    } catch (IOException e) {
      throw cannot("lock", run(), e);
    } finally {
      IN_THIS_JVM.unlock();
    }
  }

  private FileLocks.Held lockFolder() throws IOException {
    Path file = run().resolve("lock");
    long looks = TimeUnit.SECONDS.toNanos(LOCK_WAIT_MAX_S) / LOOK_AGAIN_NS;
    for (long look = 0; look < looks; look++) {
      Optional<FileLocks.Held> held = FileLocks.tryLock(file);
      if (held.isPresent()) {
        return held.get();
      }
      LockSupport.parkNanos(LOOK_AGAIN_NS);
    }
    throw new CannotStart(
        "data folder: %s is locked by another process for more than %d s; end the one that hangs"
            .formatted(file, LOCK_WAIT_MAX_S));
  }

  /** Makes the names in a folder survive a loss of power, as {@code fsync} does for content. */
  static void sync(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** One line for what a file system refuses, with the cure. */
  static CannotStart cannot(String doing, Path path, IOException e) {
    String reason = reason(e);
    String cure =
        reason.contains("No space") || reason.contains("quota")
            ? MORE_SPACE
            : "give yourself the right, or choose another folder with --data";
    return new CannotStart(
        "data folder: cannot %s %s (%s); %s".formatted(doing, path, reason, cure), e);
  }

  /** {@return what a file system said, without the name of a class} */
  static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException denied -> "permission denied: " + denied.getFile();
      case FileAlreadyExistsException exists -> "a file is in the way: " + exists.getFile();
      case java.nio.file.NoSuchFileException none -> "no such file or folder: " + none.getFile();
      case FileSystemException fs when fs.getReason() != null -> fs.getReason();
      default -> String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
    };
  }

  private Path file(String kind, int number) {
    return run().resolve(kind + number);
  }

  private static Optional<FileLocks.Held> tryLock(Path file) {
    try {
      return FileLocks.tryLock(file);
    } catch (IOException e) {
      throw cannot("lock", file, e);
    }
  }

  static void release(FileLocks.Held held) {
    try {
      held.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A node's place in the folder, until it is closed or the process ends, however it ends. */
  public static final class NodeNumber implements AutoCloseable {
    private final int number;
    private final FileLocks.Held held;

    private NodeNumber(int number, FileLocks.Held held) {
      this.number = number;
      this.held = held;
    }

    /** {@return the number, from 1} */
    public int number() {
      return number;
    }

    @Override
    public void close() {
      release(held);
    }
  }
}
