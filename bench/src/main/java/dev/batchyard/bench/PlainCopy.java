package dev.batchyard.bench;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.postgresql.PGConnection;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The limit of an import: psql's {@code \copy} of the file in one statement, unchecked and without
 * a way to go on after a failure. Where psql is missing the same protocol is spoken by the driver.
 */
final class PlainCopy {

  private static final int BUFFER = 64 * 1024;

  private final PGSimpleDataSource source;
  private final boolean psql;

  PlainCopy(PGSimpleDataSource source) {
    this.source = source;
    this.psql = hasPsql();
  }

  /** {@return what does the copying, for the record} */
  String program() {
    return psql ? "psql \\copy" : "driver copy";
  }

  void run(Path file, String table) throws IOException, InterruptedException, SQLException {
    if (psql) {
      copyByPsql(file, table);
    } else {
      copyByDriver(file, table);
    }
  }

  private void copyByPsql(Path file, String table) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
                List.of(
                    "psql",
                    "-X",
                    "-q",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-h",
                    source.getServerNames()[0],
                    "-p",
                    Integer.toString(source.getPortNumbers()[0]),
                    "-U",
                    String.valueOf(source.getUser()),
                    "-d",
                    String.valueOf(source.getDatabaseName()),
                    "-c",
                    "\\copy " + table + " from '" + file + "' with (format csv, header true)"))
            .redirectErrorStream(true);
    builder.environment().putAll(Map.of("PGPASSWORD", String.valueOf(source.getPassword())));
    Process process = builder.start();
    try (BufferedReader output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String said = String.join(" ", output.lines().toList());
      if (process.waitFor() != 0) {
        throw new IOException("psql failed: " + said);
      }
    }
  }

  private void copyByDriver(Path file, String table) throws IOException, SQLException {
    try (Connection connection = source.getConnection();
        InputStream in = new FileInputStream(file.toFile())) {
      connection
          .unwrap(PGConnection.class)
          .getCopyAPI()
          .copyIn("copy " + table + " from stdin with (format csv, header true)", in, BUFFER);
    }
  }

  private static boolean hasPsql() {
    try {
      return new ProcessBuilder("psql", "--version")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
