package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The database directory of a data folder, its password and its settings. */
record Cluster(DataFolder folder) {

  /** The role that owns everything; its password lies in {@code run/password}. */
  static final String USER = "batchyard";

  private static final Logger LOG = LoggerFactory.getLogger(Cluster.class);
  private static final String HALF = "data.new";
  private static final int NAME_BYTES = 4;
  private static final int PASSWORD_BYTES = 32;
  private static final long MB = 1 << 20;

  Path data() {
    return folder.pg().resolve("data");
  }

  boolean exists() {
    return Files.exists(data().resolve("PG_VERSION"));
  }

  /**
   * Makes the database aside and moves it in place, so that a process killed in the middle, or a
   * loss of power, leaves nothing half done.
   */
  void initialise(Programs programs) {
    dropHalfMade();
    refuseOther();
    // a name of its own: an initdb that outlives its killed starter must not write into this one
    Path half = folder.pg().resolve(HALF + drawn(NAME_BYTES));
    try {
      Path password = writePassword();
      Programs.Result result =
          programs.run(
              "initdb",
              List.of(
                  "--pgdata=" + half,
                  "--username=" + USER,
                  "--auth=scram-sha-256",
                  "--pwfile=" + password,
                  "--encoding=UTF8",
                  "--locale-provider=builtin",
                  "--locale=C.UTF-8",
                  "--no-instructions"));
      if (result.code() != 0) {
        throw new CannotStart(
            "data folder: PostgreSQL cannot be set up in %s: %s; %s"
                .formatted(
                    data(),
                    result.line(),
                    result.output().contains("No space left")
                        ? DataFolder.MORE_SPACE
                        : "choose another folder with --data"));
      }
      Files.writeString(
          half.resolve("postgresql.conf"),
          "\n# written by Batchyard at each start\ninclude_if_exists = 'batchyard.conf'\n",
          StandardOpenOption.APPEND,
          StandardOpenOption.SYNC);
      Files.move(half, data(), StandardCopyOption.ATOMIC_MOVE);
      DataFolder.sync(folder.pg());
    } catch (IOException e) {
      throw DataFolder.cannot("set up", data(), e);
    }
  }

  /** Without PG_VERSION it is no database, but it may be the rest of one: it is left alone. */
  private void refuseOther() {
    if (!Files.exists(data())) {
      return;
    }
    try (DirectoryStream<Path> all = Files.newDirectoryStream(data())) {
      if (all.iterator().hasNext()) {
        throw new CannotStart(
            "data folder: %s has files but no PG_VERSION, so it is no whole database; put it back from a backup, or move it away"
                .formatted(data()));
      }
    } catch (IOException e) {
      throw DataFolder.cannot("read", data(), e);
    }
  }

  private void dropHalfMade() {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(folder.pg(), HALF + "*")) {
      for (Path half : left) {
        Trees.delete(half);
      }
    } catch (IOException e) {
      LOG.debug("somebody still writes into {}; the next start deletes it", folder.pg(), e);
    }
  }

  private static String drawn(int bytes) {
    byte[] secret = new byte[bytes];
    new SecureRandom().nextBytes(secret);
    return HexFormat.of().formatHex(secret);
  }

  /** The password must be on the disk before the database that knows no other. */
  private Path writePassword() throws IOException {
    Path password = passwordFile();
    Files.deleteIfExists(password);
    Files.createFile(
        password,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try (FileChannel channel = FileChannel.open(password, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(drawn(PASSWORD_BYTES).getBytes(StandardCharsets.US_ASCII)));
      channel.force(true);
    }
    DataFolder.sync(folder.run());
    return password;
  }

  /** Refuses a database that another major version made: PostgreSQL would, in more words. */
  void checkMajor() {
    try {
      String major = Files.readString(data().resolve("PG_VERSION")).strip();
      if (!major.equals(Integer.toString(Binaries.MAJOR))) {
        throw new CannotStart(
            "data folder: %s was made by PostgreSQL %s, this program brings %d; use the program that made it, or another folder with --data"
                .formatted(data(), major, Binaries.MAJOR));
      }
    } catch (IOException e) {
      throw DataFolder.cannot("read", data(), e);
    }
  }

  /** {@return where the server is, if it listens on this port} */
  DatabaseAddress address(int port) {
    Path file = passwordFile();
    try {
      String password = Files.readString(file).strip();
      return new DatabaseAddress("127.0.0.1", port, "postgres", USER, password, Map.of());
    } catch (NoSuchFileException e) {
      throw new CannotStart(
          "data folder: %s is missing, and nobody else knows the password of the database; put it back from a backup"
              .formatted(file),
          e);
    } catch (IOException e) {
      throw DataFolder.cannot("read", file, e);
    }
  }

  Path passwordFile() {
    return folder.run().resolve("password");
  }

  /** Writes the settings of the next start. */
  void writeSettings(int port, Map<String, String> more) {
    Map<String, String> all = new TreeMap<>(DEFAULTS);
    all.put("shared_buffers", sharedBuffers());
    all.putAll(more);
    all.put("port", Integer.toString(port));
    StringBuilder text = new StringBuilder();
    all.forEach((name, value) ->
        text.append(name)
            .append(" = '")
            .append(value.replace("\\", "\\\\").replace("'", "''"))
            .append("'\n"));
    try {
      Files.writeString(data().resolve("batchyard.conf"), text);
    } catch (IOException e) {
      throw DataFolder.cannot("write", data().resolve("batchyard.conf"), e);
    }
  }

  /** An eighth of the memory that this process may see, from 32 to 256 MB. */
  private static String sharedBuffers() {
    long memory =
        java.lang.management.ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.OperatingSystemMXBean system
            ? system.getTotalMemorySize()
            : 2_048 * MB;
    return Math.clamp(memory / MB / 8, 32, 256) + "MB";
  }

  private static final Map<String, String> DEFAULTS =
      Map.ofEntries(
          Map.entry("listen_addresses", "127.0.0.1"),
          Map.entry("unix_socket_directories", ""),
          Map.entry("fsync", "on"),
          Map.entry("synchronous_commit", "on"),
          Map.entry("full_page_writes", "on"),
          Map.entry("max_wal_size", "4GB"),
          Map.entry("max_connections", "500"),
          // the role has the name of our schema: "$user" would put a person's tables there
          Map.entry("search_path", "public"),
          Map.entry("jit", "off"),
          Map.entry("autovacuum_naptime", "10s"),
          Map.entry("client_connection_check_interval", "500ms"),
          Map.entry("tcp_keepalives_idle", "10"),
          Map.entry("tcp_keepalives_interval", "5"),
          Map.entry("tcp_keepalives_count", "3"),
          Map.entry("log_line_prefix", "%m [%p] %a "),
          Map.entry("log_checkpoints", "off"),
          // the text of a failed statement may hold rows of an import: many, long and private
          Map.entry("log_min_error_statement", "panic"),
          Map.entry("logging_collector", "on"),
          Map.entry("log_directory", "../../log"),
          Map.entry("log_filename", ServerLog.FILE_NAME),
          Map.entry("log_rotation_size", ServerLog.FILE_SIZE_MAX),
          Map.entry("log_rotation_age", "1d"));
}
