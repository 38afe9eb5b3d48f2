package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The PostgreSQL server of a data folder, with every durability setting on. It is a process group
 * of its own and belongs to the members of the folder together: the first one in starts it, any of
 * them starts it again when it has died, the last one out stops it. A member killed with SIGKILL
 * leaves it to the others, or to the next start. Thread-safe.
 */
public final class EmbeddedServer implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedServer.class);

  /** How long a recovery may take, in seconds; 4 GB of log take about a minute. */
  private static final int START_MAX_S = 600;

  private static final int STOP_MAX_S = 120;
  private static final int START_TRIES = 300;

  /** How long a server is started again that is killed in its start. */
  private static final long KILLED_MAX_S = 60;

  private static final long BETWEEN_TRIES_NS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long LOOK_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(50);

  /** The server's logs are pruned now and then by who calls every second, and at each start. */
  private static final int CALLS_PER_PRUNE = 300;

  private static final Pattern STALE_PID_FILE =
      Pattern.compile(
          "postmaster\\.pid\" (?:already exists|is empty)|invalid data in PID file|bogus data in lock file");

  private final DataFolder folder;
  private final Cluster cluster;
  private final Postmaster postmaster;
  private final ServerLog log;
  private final FileLocks.Held membership;
  private final Map<String, String> settings;
  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicReference<@Nullable DatabaseAddress> address = new AtomicReference<>();
  private volatile boolean left;

  private EmbeddedServer(
      DataFolder folder, FileLocks.Held membership, Map<String, String> settings) {
    this.folder = folder;
    this.cluster = new Cluster(folder);
    this.postmaster = new Postmaster(cluster.data());
    this.log = new ServerLog(folder.log());
    this.membership = membership;
    this.settings = Map.copyOf(settings);
  }

  /**
   * Joins the folder and makes sure that its server runs.
   *
   * @throws CannotStart if it does not
   */
  public static EmbeddedServer join(DataFolder folder) {
    return join(folder, Map.of());
  }

  /**
   * The same with settings of its own, for tests and benchmarks: they hold if this call starts the
   * server.
   */
  public static EmbeddedServer join(DataFolder folder, Map<String, String> settings) {
    return folder.locked(() -> {
      EmbeddedServer server = new EmbeddedServer(folder, folder.join(), settings);
      try {
        DatabaseAddress _ = server.locate();
        return server;
      } catch (RuntimeException e) {
        server.goOut();
        throw e;
      }
    });
  }

  /**
   * Stops the server of a folder that no process uses any more, as the last member would have done
   * had it not been killed.
   *
   * @return whether the folder is free now; if not, some process uses it
   */
  public static boolean stopAbandoned(DataFolder folder) {
    return folder.locked(() -> {
      if (folder.hasMembers()) {
        return false;
      }
      EmbeddedServer server = new EmbeddedServer(folder, folder.join(), Map.of());
      try {
        server.stop();
        return true;
      } finally {
        server.leave();
      }
    });
  }

  /** {@return the folder} */
  public DataFolder folder() {
    return folder;
  }

  /** {@return the process id of the server, if it runs and answers} */
  public Optional<Long> pid() {
    return postmaster.state() instanceof Postmaster.State.Ready ready
        ? Optional.of(ready.pid())
        : Optional.empty();
  }

  /**
   * Starts the server if it has died. While it lives this reads two small files, so a loop may call
   * it every second; it is safe to call from many threads and processes, of which one starts the
   * server and the others wait. The port stays the same unless somebody else has taken it.
   *
   * @return where it listens
   * @throws CannotStart if it does not start, or this member has left and it does not run
   */
  public DatabaseAddress ensureRunning() {
    if (calls.getAndIncrement() % CALLS_PER_PRUNE == 0) {
      log.prune();
    }
    Optional<DatabaseAddress> known = Optional.ofNullable(address.get());
    if (known.isPresent()
        && postmaster.state() instanceof Postmaster.State.Ready ready
        && ready.port() == known.get().port()) {
      return known.get();
    }
    return folder.locked(this::locate);
  }

  /** Under the folder's lock. */
  private DatabaseAddress locate() {
    if (left) { // a loop that was late would start a server that nobody stops
      throw new CannotStart("data folder: this process has left " + folder.root());
    }
    DatabaseAddress found = cluster.address(ready().port());
    address.set(found);
    return found;
  }

  /** Leaves the folder; the last member out stops the server. Closing it again changes nothing. */
  @Override
  public void close() {
    folder.locked(() -> {
      goOut();
      return true;
    });
  }

  private void goOut() {
    leave();
    if (!folder.hasMembers()) {
      stop();
    }
  }

  private void leave() {
    left = true;
    DataFolder.release(membership);
  }

  /** Under the folder's lock: the server answers when this returns. */
  private Postmaster.State.Ready ready() {
    if (settled() instanceof Postmaster.State.Ready ready) {
      return ready;
    }
    Programs programs = prepare();
    long fromNs = System.nanoTime();
    for (int attempt = 1; ; attempt++) {
      cluster.writeSettings(new Ports(folder).choose(), settings);
      String logEnd = log.end();
      Programs.Result result = start(programs);
      if (settled() instanceof Postmaster.State.Ready ready) {
        LOG.info(
            "PostgreSQL {} runs on port {} in {}", Binaries.VERSION, ready.port(), folder.pg());
        return ready;
      }
      boolean killed = log.breaksOff(logEnd);
      if (killed && System.nanoTime() - fromNs >= TimeUnit.SECONDS.toNanos(KILLED_MAX_S)) {
        throw killed();
      }
      if (attempt == START_TRIES || !(isPassing(log.startText() + result.output()) || killed)) {
        throw failed(result);
      }
      LockSupport.parkNanos(BETWEEN_TRIES_NS);
    }
  }

  /** A server that starts, recovers or stops without us is waited for. */
  private Postmaster.State settled() {
    long looks = TimeUnit.SECONDS.toNanos(START_MAX_S) / LOOK_AGAIN_NS;
    for (long look = 0; look < looks; look++) {
      Postmaster.State state = postmaster.state();
      if (!(state instanceof Postmaster.State.Changing)) {
        return state;
      }
      LockSupport.parkNanos(LOOK_AGAIN_NS);
    }
    throw new CannotStart(
        "PostgreSQL in %s neither starts nor stops for %d s; its log is in %s"
            .formatted(cluster.data(), START_MAX_S, folder.log()));
  }

  private Programs prepare() {
    sweepTmp();
    log.prune();
    Path home = Binaries.unpack(folder);
    Binaries.dropOthers(folder);
    Programs programs = Programs.of(home, folder.tmp(), cluster.data());
    if (!cluster.exists()) {
      cluster.initialise(programs);
    }
    cluster.checkMajor();
    return programs;
  }

  private Programs.Result start(Programs programs) {
    if (Files.exists(postmaster.file())) {
      LOG.info("PostgreSQL in {} was killed; it recovers first", folder.pg());
    }
    log.beginStart();
    return programs.run(
        "pg_ctl",
        List.of(
            "start",
            "--wait",
            "--timeout=" + START_MAX_S,
            "--pgdata=" + cluster.data(),
            "--log=" + log.startFile()));
  }

  /** Whether another try may succeed; does what helps it. */
  private boolean isPassing(String said) {
    if (said.contains("shared memory block") || postmaster.hasOrphans()) {
      postmaster.endOrphans();
      return true;
    }
    if (STALE_PID_FILE.matcher(said).find()) {
      dropPidFile(); // its number belongs to another process now, or to one that nobody has reaped
      return true;
    }
    return said.contains("could not create any TCP/IP sockets"); // somebody was faster on that port
  }

  private void dropPidFile() {
    try {
      Files.deleteIfExists(postmaster.file());
    } catch (IOException e) {
      throw DataFolder.cannot("delete", postmaster.file(), e);
    }
  }

  private CannotStart killed() {
    return new CannotStart(
        "PostgreSQL in %s is killed whenever it starts, for %d s now (SIGKILL, or the machine is short of memory); its log is in %s"
            .formatted(cluster.data(), KILLED_MAX_S, folder.log()));
  }

  private CannotStart failed(Programs.Result result) {
    String why = log.whyItEnded().orElse(result.line());
    String cure = why.contains("No space left") ? "free some space on its disk; its" : "its";
    return new CannotStart(
        "PostgreSQL does not start in %s: %s; %s log is in %s"
            .formatted(cluster.data(), why, cure, folder.log()));
  }

  private void stop() {
    if (settled() instanceof Postmaster.State.Gone) {
      return;
    }
    Path home = Binaries.unpack(folder);
    Programs programs = Programs.of(home, folder.tmp(), cluster.data());
    Programs.Result result =
        programs.run(
            "pg_ctl",
            List.of(
                "stop",
                "--wait",
                "--mode=fast",
                "--timeout=" + STOP_MAX_S,
                "--pgdata=" + cluster.data()));
    if (result.code() != 0 && !(postmaster.state() instanceof Postmaster.State.Gone)) {
      LOG.warn("PostgreSQL in {} did not stop: {}", cluster.data(), result.line());
    }
  }

  /** What killed processes left; whoever writes such files holds the folder's lock, as we do. */
  private void sweepTmp() {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(folder.tmp(), "program*.out")) {
      for (Path file : left) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw DataFolder.cannot("clear", folder.tmp(), e);
    }
  }
}
