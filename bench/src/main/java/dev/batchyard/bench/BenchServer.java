package dev.batchyard.bench;

import dev.batchyard.store.server.DataFolder;
import dev.batchyard.store.server.DatabaseAddress;
import dev.batchyard.store.server.EmbeddedServer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.postgresql.ds.PGSimpleDataSource;

/** A throw-away server on loopback with every durability setting on; its settings are printed. */
final class BenchServer implements AutoCloseable {

  private static final List<String> SHOWN =
      List.of(
          "server_version",
          "fsync",
          "synchronous_commit",
          "full_page_writes",
          "shared_buffers",
          "max_wal_size",
          "max_connections");

  private final EmbeddedServer server;

  private BenchServer(EmbeddedServer server) {
    this.server = server;
  }

  /** Starts one in a new folder below {@code parent}. */
  static BenchServer start(Path parent, PrintStream out) throws IOException, SQLException {
    return start(parent, out, Map.of());
  }

  /** The same with more settings, which are printed. */
  static BenchServer start(Path parent, PrintStream out, Map<String, String> more)
      throws IOException, SQLException {
    Path folder = Files.createTempDirectory(Files.createDirectories(parent), "bench");
    Map<String, String> settings = new HashMap<>(more);
    settings.put("shared_buffers", "1GB");
    settings.put("max_wal_size", "8GB");
    BenchServer server = new BenchServer(EmbeddedServer.join(DataFolder.open(folder), settings));
    try (Connection connection = server.source(false).getConnection();
        Statement statement = connection.createStatement()) {
      for (String setting : Stream.concat(SHOWN.stream(), more.keySet().stream()).toList()) {
        try (ResultSet row = statement.executeQuery("show " + setting)) {
          row.next();
          out.printf("# %s = %s%n", setting, row.getString(1));
        }
      }
    }
    return server;
  }

  DataFolder folder() {
    return server.folder();
  }

  /** {@return the processor time of all processes that the server ever had} */
  Duration cpu() throws IOException {
    return Machine.cpu(server.pid().orElseThrow(() -> new IOException("the server is gone")));
  }

  /** {@return the database that is there from the start} */
  DatabaseAddress address() {
    return server.ensureRunning();
  }

  /** {@return a database of this name, made at the first call} */
  DatabaseAddress database(String name) throws SQLException {
    DatabaseAddress main = server.ensureRunning();
    try (Connection connection = source(false).getConnection();
        Statement statement = connection.createStatement();
        ResultSet there =
            statement.executeQuery("select from pg_database where datname = '" + name + "'")) {
      if (!there.next()) {
        statement.execute("create database " + name);
      }
    }
    return new DatabaseAddress(
        main.host(), main.port(), name, main.user(), main.password(), main.properties());
  }

  /** Plain connections; {@code rewrite} lets the driver rewrite batched inserts. */
  PGSimpleDataSource source(boolean rewrite) {
    DatabaseAddress address = server.ensureRunning();
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setServerNames(new String[] {address.host()});
    source.setPortNumbers(new int[] {address.port()});
    source.setDatabaseName(address.database());
    source.setUser(address.user());
    source.setPassword(address.password());
    source.setCurrentSchema("public");
    source.setReWriteBatchedInserts(rewrite);
    return source;
  }

  @Override
  public void close() throws IOException {
    server.close();
    try (Stream<Path> all = Files.walk(server.folder().root())) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
