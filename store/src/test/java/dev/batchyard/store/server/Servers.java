package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;

/** Statements on a server, each on a connection of its own. */
final class Servers {

  static final UUID BOOT = new UUID(0, 1);

  private Servers() {}

  /**
   * A data folder with the programs unpacked already: a test that needs them not saves a second.
   */
  static DataFolder folder(Path path) throws IOException {
    DataFolder shared = DataFolder.open(Path.of("target", "programs"));
    Path home = shared.locked(() -> Binaries.unpack(shared));
    DataFolder folder = DataFolder.open(path);
    Files.createSymbolicLink(folder.pg().resolve(home.getFileName()), home);
    return folder;
  }

  /** The same with a database made already, for tests that are not about how it is made. */
  static DataFolder folderWithDatabase(Path path) throws IOException, InterruptedException {
    DataFolder shared = DataFolder.open(Path.of("target", "programs"));
    Cluster made = new Cluster(shared);
    boolean _ =
        shared.locked(() -> {
          Path home = Binaries.unpack(shared);
          if (!made.exists()) {
            made.initialise(Programs.of(home, shared.tmp(), made.data()));
          }
          return made.exists();
        });
    DataFolder folder = folder(path);
    copy(made.data(), folder.pg());
    copy(made.passwordFile(), folder.run());
    return folder;
  }

  private static void copy(Path from, Path into) throws IOException, InterruptedException {
    Process cp = new ProcessBuilder("cp", "-a", from.toString(), into.toString()).start();
    if (cp.waitFor() != 0) {
      throw new IOException("cannot copy " + from + " into " + into);
    }
  }

  static void execute(DatabaseAddress address, String sql) throws SQLException {
    try (Database database = new Database(address, BOOT, 1);
        Connection connection = database.session();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  static String ask(DatabaseAddress address, String sql) throws SQLException {
    try (Database database = new Database(address, BOOT, 1);
        Connection connection = database.session()) {
      return ask(connection, sql);
    }
  }

  static String ask(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }

  static DatabaseAddress with(DatabaseAddress a, String user, String password) {
    return new DatabaseAddress(a.host(), a.port(), a.database(), user, password, a.properties());
  }

  static DatabaseAddress database(DatabaseAddress a, String name) {
    return new DatabaseAddress(a.host(), a.port(), name, a.user(), a.password(), a.properties());
  }
}
