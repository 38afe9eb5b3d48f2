package dev.batchyard.store.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The PostgreSQL server of a data folder, with every durability setting on. It is a process group
 * of its own and belongs to the members of the folder together: the first one in starts it, any of
 * them starts it again when it has died, the last one out stops it. A member killed with SIGKILL
 * leaves it to the others, or to the next start.
 */
public final class EmbeddedServer implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedServer.class);

  /** The role that owns everything; its password lies in {@code run/password}. */
  private static final String USER = "batchyard";

  private static final int START_TRIES = 30;
  private static final long BETWEEN_TRIES_NS = TimeUnit.SECONDS.toNanos(1);

  private final DataFolder folder;
  private final DataFolder.Membership membership;
  private final Path data;
  private final Map<String, String> settings;

  private EmbeddedServer(
      DataFolder folder, DataFolder.Membership membership, Map<String, String> settings) {
    this.folder = folder;
    this.membership = membership;
    this.data = folder.pg().resolve("data");
    this.settings = settings;
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
   * The same with settings of its own, for benchmarks: they hold if this call starts the server.
   */
  public static EmbeddedServer join(DataFolder folder, Map<String, String> settings) {
    return folder.locked(() -> {
      DataFolder.Membership membership = folder.join();
      EmbeddedServer server = new EmbeddedServer(folder, membership, settings);
      try {
        if (server.running().isEmpty()) {
          server.start();
        }
        return server;
      } catch (RuntimeException e) {
        membership.close();
        throw e;
      }
    });
  }

  /** {@return this member's slot, from 1; the lowest that was free} */
  public int slot() {
    return membership.slot();
  }

  /** {@return the folder} */
  public DataFolder folder() {
    return folder;
  }

  /** {@return the process id of the server, if it runs} */
  public Optional<Long> pid() {
    return running();
  }

  /**
   * Starts the server if it has died. Cheap while it lives; safe to call from many processes.
   *
   * @return where it listens
   */
  public DatabaseAddress ensureRunning() {
    if (running().isPresent()) {
      return address(port());
    }
    return folder.locked(() -> {
      if (running().isEmpty()) {
        start();
      }
      return address(port());
    });
  }

  /** Leaves the folder; the last member out stops the server. */
  @Override
  public void close() {
    folder.locked(() -> {
      membership.close();
      if (!folder.hasMembers() && running().isPresent()) {
        stop();
      }
      return true;
    });
  }

  private void start() {
    Path home = Binaries.unpack(folder);
    Programs programs = new Programs(home, folder.tmp());
    if (!Files.exists(data.resolve("PG_VERSION"))) {
      initialise(programs);
    }
    checkMajor();
    int port = choosePort();
    writeSettings(port);
    Programs.Result result = new Programs.Result(-1, "");
    for (int attempt = 1; attempt <= START_TRIES; attempt++) {
      result =
          programs.run(
              "pg_ctl",
              List.of(
                  "start", "-w", "-t", "60", "-D", data.toString(), "-l", serverLog().toString()));
      if (result.code() == 0) {
        LOG.info("PostgreSQL {} started on port {} in {}", Binaries.MAJOR, port, data);
        return;
      }
      if (!isTransient()) {
        break;
      }
      LockSupport.parkNanos(BETWEEN_TRIES_NS); // backends of a killed server are still ending
    }
    throw new CannotStart(
        "PostgreSQL does not start in %s: %s; its log is %s"
            .formatted(
                data, lastLogLine().orElse(result.output().replace('\n', ' ')), serverLog()));
  }

  private void stop() {
    Programs programs = new Programs(Binaries.unpack(folder), folder.tmp());
    Programs.Result result =
        programs.run("pg_ctl", List.of("stop", "-w", "-m", "fast", "-D", data.toString()));
    if (result.code() != 0) {
      LOG.warn("PostgreSQL in {} did not stop: {}", data, result.output());
    }
  }

  /**
   * Made aside and moved in place, so that a process killed in the middle leaves nothing half done.
   */
  private void initialise(Programs programs) {
    Path half = folder.pg().resolve("data.new");
    Path password = folder.run().resolve("password");
    try {
      Trees.delete(half);
      byte[] secret = new byte[32];
      new SecureRandom().nextBytes(secret);
      Files.deleteIfExists(password);
      Files.createFile(
          password,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(password, HexFormat.of().formatHex(secret));
      Programs.Result result =
          programs.run(
              "initdb",
              List.of(
                  "-D",
                  half.toString(),
                  "-U",
                  USER,
                  "-A",
                  "scram-sha-256",
                  "--pwfile=" + password,
                  "-E",
                  "UTF8",
                  "--locale-provider=builtin",
                  "--locale=C.UTF-8",
                  "--no-instructions"));
      if (result.code() != 0) {
        throw new CannotStart(
            "PostgreSQL cannot be set up in " + data + ": " + result.output().replace('\n', ' '));
      }
      Files.writeString(
          half.resolve("postgresql.conf"),
          "\n# written by Batchyard at each start\ninclude_if_exists = 'batchyard.conf'\n",
          StandardCharsets.UTF_8,
          java.nio.file.StandardOpenOption.APPEND);
      Files.move(half, data, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new CannotStart(
          "data folder: cannot set up %s (%s)".formatted(data, DataFolder.reason(e)), e);
    }
  }

  private void checkMajor() {
    try {
      String major = Files.readString(data.resolve("PG_VERSION")).strip();
      if (!major.equals(Integer.toString(Binaries.MAJOR))) {
        throw new CannotStart(
            "data folder: %s was made by PostgreSQL %s, this program brings %d; use the program that made it"
                .formatted(data, major, Binaries.MAJOR));
      }
    } catch (IOException e) {
      throw new CannotStart(
          "data folder: cannot read %s (%s)".formatted(data, DataFolder.reason(e)), e);
    }
  }

  private void writeSettings(int port) {
    Map<String, String> all = new TreeMap<>(DEFAULTS);
    all.putAll(settings);
    all.put("port", Integer.toString(port));
    StringBuilder text = new StringBuilder();
    all.forEach((name, value) ->
        text.append(name).append(" = '").append(value.replace("'", "''")).append("'\n"));
    try {
      Files.writeString(data.resolve("batchyard.conf"), text);
    } catch (IOException e) {
      throw new CannotStart(
          "data folder: cannot write %s (%s)".formatted(data, DataFolder.reason(e)), e);
    }
  }

  private static final Map<String, String> DEFAULTS =
      Map.ofEntries(
          Map.entry("listen_addresses", "127.0.0.1"),
          Map.entry("unix_socket_directories", ""),
          Map.entry("fsync", "on"),
          Map.entry("synchronous_commit", "on"),
          Map.entry("full_page_writes", "on"),
          Map.entry("shared_buffers", "256MB"),
          Map.entry("max_wal_size", "4GB"),
          Map.entry("max_connections", "100"),
          Map.entry("jit", "off"),
          Map.entry("autovacuum_naptime", "10s"),
          Map.entry("client_connection_check_interval", "500ms"),
          Map.entry("tcp_keepalives_idle", "10"),
          Map.entry("tcp_keepalives_interval", "5"),
          Map.entry("tcp_keepalives_count", "3"),
          Map.entry("log_line_prefix", "%m [%p] %a "),
          Map.entry("log_checkpoints", "off"),
          Map.entry("logging_collector", "on"),
          Map.entry("log_directory", "log"),
          Map.entry("log_filename", "postgresql-%a.log"),
          Map.entry("log_truncate_on_rotation", "on"),
          Map.entry("log_rotation_age", "1d"));

  /** The same port as before, so that the others find it again; another one if it is taken. */
  private int choosePort() {
    int before = storedPort().orElse(0);
    if (before != 0 && isFree(before)) {
      return before;
    }
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = socket.getLocalPort();
      Files.writeString(folder.run().resolve("port"), Integer.toString(port));
      return port;
    } catch (IOException e) {
      throw new CannotStart("no free port on 127.0.0.1 (" + DataFolder.reason(e) + ")", e);
    }
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private Optional<Integer> storedPort() {
    try {
      Path file = folder.run().resolve("port");
      return Files.exists(file)
          ? Optional.of(Integer.parseInt(Files.readString(file).strip()))
          : Optional.empty();
    } catch (IOException | NumberFormatException e) {
      return Optional.empty();
    }
  }

  private int port() {
    return storedPort()
        .orElseThrow(
            () -> new CannotStart("data folder: " + folder.run() + "/port is missing or damaged"));
  }

  private DatabaseAddress address(int port) {
    try {
      String password = Files.readString(folder.run().resolve("password")).strip();
      return new DatabaseAddress("127.0.0.1", port, "postgres", USER, password, Map.of());
    } catch (IOException e) {
      throw new CannotStart(
          "data folder: cannot read %s/password (%s)".formatted(folder.run(), DataFolder.reason(e)),
          e);
    }
  }

  /** The server's process id; a stale file or a reused number does not count. */
  private Optional<Long> running() {
    try {
      List<String> lines = Files.readAllLines(data.resolve("postmaster.pid"));
      long pid = Long.parseLong(lines.getFirst().strip());
      boolean ready = lines.size() > 7 && lines.get(7).strip().equals("ready");
      return ready && isServer(pid) ? Optional.of(pid) : Optional.empty();
    } catch (IOException | RuntimeException e) {
      return Optional.empty(); // no file, or one that is being written: it does not run yet
    }
  }

  private boolean isServer(long pid) throws IOException {
    if (!ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)) {
      return false;
    }
    Path cwd = Path.of("/proc", Long.toString(pid), "cwd");
    return !Files.exists(cwd) || cwd.toRealPath().equals(data.toRealPath());
  }

  private Path serverLog() {
    return folder.log().resolve("postgresql-start.log");
  }

  private boolean isTransient() {
    return lastLogLine()
        .map(line -> line.contains("shared memory") || line.contains("postmaster.pid"))
        .orElse(false);
  }

  private Optional<String> lastLogLine() {
    try {
      List<String> lines = Files.readAllLines(serverLog());
      return lines.reversed().stream()
          .filter(line -> line.contains("FATAL") || line.contains("HINT") || line.contains("LOG"))
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
