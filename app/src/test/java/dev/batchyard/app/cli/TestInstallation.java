package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.store.Store;
import dev.batchyard.store.server.SharedPrograms;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/**
 * A data folder whose PostgreSQL runs until this is closed, with a small file beside it: what the
 * commands of a test class work on.
 */
final class TestInstallation implements AutoCloseable {

  private final Installation installation;
  private final Terminal terminal;

  private TestInstallation(Installation installation, Terminal terminal) {
    this.installation = installation;
    this.terminal = terminal;
  }

  static TestInstallation in(Path folder) throws IOException {
    Path data = folder.resolve("data");
    var _ = SharedPrograms.in(data);
    Files.writeString(folder.resolve("rows.csv"), "id,name\n1,one\n");
    return new TestInstallation(
        Installation.open(ConfigReader.read(Map.of(Key.DATA, data.toString()), Map.of(), folder)),
        new Terminal(data, folder));
  }

  Store store() {
    return installation.store();
  }

  Terminal terminal() {
    return terminal;
  }

  void sql(String sql) throws SQLException {
    try (Connection connection = installation.database().session();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void close() {
    installation.close();
  }
}
