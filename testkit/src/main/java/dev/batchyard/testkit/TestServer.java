package dev.batchyard.testkit;

import dev.batchyard.store.server.DataFolder;
import dev.batchyard.store.server.Database;
import dev.batchyard.store.server.DatabaseAddress;
import dev.batchyard.store.server.EmbeddedServer;
import dev.batchyard.store.server.Migrations;
import dev.batchyard.store.server.SharedPrograms;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** The server of this JVM; started at first use, stopped and deleted when the tests are over. */
public final class TestServer implements AutoCloseable {

  private static final String TEMPLATE = "batchyard_template";
  private static final String PREFIX = "postgres";
  private static final String LOCK = "test-server.lock";

  private final EmbeddedServer server;
  private final AtomicInteger clones = new AtomicInteger();

  /** A JVM has one of each kind that its tests ask for. */
  record Kind(boolean durable) {}

  TestServer(Kind kind) {
    // tests of logic: no power is lost here, and nothing outlives the server; kills and crashes
    // are proven on servers of their own, whose disk is waited for
    String sync = kind.durable() ? "on" : "off";
    try {
      Path target = Files.createDirectories(Path.of("target").toAbsolutePath());
      try (FileChannel channel = lockFile(target);
          FileLock lock = channel.lock()) {
        clearAbandoned(target);
        server =
            EmbeddedServer.join(
                SharedPrograms.in(Files.createTempDirectory(target, ownPrefix())),
                Map.of(
                    "fsync", sync,
                    "full_page_writes", sync,
                    "shared_buffers", "64MB",
                    "timezone", "Australia/Lord_Howe",
                    // tests of the store read our tables by their bare names
                    "search_path", "\"$user\", public"));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // a collation that is not the order of bytes: nothing may rely on that
    admin(
        "create database "
            + TEMPLATE
            + " template template0 encoding 'UTF8' locale_provider icu icu_locale 'zh-u-co-pinyin'"
            + " lc_collate 'C' lc_ctype 'C'");
    try (Database database = new Database(at(TEMPLATE), new UUID(0, 0), 1)) {
      Migrations.run(database);
    }
  }

  /** What the names of this JVM's folders begin with: others have theirs beside them. */
  static String ownPrefix() {
    return PREFIX + "-" + ProcessHandle.current().pid() + "-";
  }

  /** {@return a server that waits for no disk, for a run outside of JUnit; the caller closes it} */
  public static TestServer undurable() {
    return new TestServer(new Kind(false));
  }

  /** {@return a migrated database of its own} */
  public TestDatabase cloneFor(Class<?> test) {
    String name =
        "t%d_%s"
            .formatted(
                clones.incrementAndGet(), test.getSimpleName().toLowerCase(java.util.Locale.ROOT));
    String clone = name.substring(0, Math.min(name.length(), 60));
    admin("create database \"" + clone + "\" template " + TEMPLATE);
    return new TestDatabase(at(clone));
  }

  /** {@return a line for each connection that is still open, the test's own excepted} */
  java.util.List<String> openConnections(TestDatabase database) {
    java.util.List<String> open = new java.util.ArrayList<>();
    try (Database admin = new Database(server.ensureRunning(), new UUID(0, 0), 1);
        Connection connection = admin.session();
        var statement =
            connection.prepareStatement(
                """
                select application_name || ': ' || left(query, 200)
                  from pg_stat_activity
                 where datname = ? and backend_type = 'client backend'
                """)) {
      statement.setString(1, database.address().database());
      try (var rows = statement.executeQuery()) {
        while (rows.next()) {
          open.add(rows.getString(1));
        }
      }
      return open;
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  void drop(TestDatabase database) {
    admin("drop database if exists \"" + database.address().database() + "\" with (force)");
  }

  @Override
  public void close() {
    Path root = server.folder().root();
    try (FileChannel channel = lockFile(Objects.requireNonNull(root.getParent()));
        FileLock lock = channel.lock()) {
      server.close();
      delete(root);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Folders are made and deleted by one JVM at a time: one that another JVM has just made, or is
   * about to delete, must not be taken for abandoned.
   */
  private static FileChannel lockFile(Path target) throws IOException {
    return FileChannel.open(
        target.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  /** Test runs that were killed leave a server behind; the next run of the module ends it. */
  private static void clearAbandoned(Path target) throws IOException {
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(target, PREFIX + "*")) {
      for (Path folder : folders) {
        if (EmbeddedServer.stopAbandoned(DataFolder.open(folder))) {
          delete(folder);
        }
      }
    }
  }

  private static void delete(Path root) {
    try (Stream<Path> all = Files.walk(root)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private DatabaseAddress at(String database) {
    DatabaseAddress a = server.ensureRunning();
    return new DatabaseAddress(
        a.host(), a.port(), database, a.user(), a.password(), a.properties());
  }

  private void admin(String sql) {
    try (Database database = new Database(server.ensureRunning(), new UUID(0, 0), 1);
        Connection connection = database.session();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }
}
