package dev.batchyard.store.server;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/** Brings the schema {@code batchyard} to what this program needs. */
public final class Migrations {

  /** The migrations by version; a test compares them with the files. */
  static final Map<Integer, String> FILES = Map.of(1, "V1__foundation.sql");

  private static final String FOLDER = "dev/batchyard/store/migration";

  private static final String LOCK =
      """
      select pg_advisory_lock(hashtextextended('batchyard migrations', 0))
      """;

  private static final String HAS_HISTORY =
      """
      select to_regclass('batchyard.flyway_schema_history') is not null
      """;

  private static final String HISTORY =
      """
      select version::int, coalesce(checksum, 0)
        from batchyard.flyway_schema_history
       where success and version is not null
      """;

  private Migrations() {}

  /**
   * Migrates. Many processes may do so at once: one works, the others wait for it. A schema that is
   * current costs two short queries.
   *
   * @throws CannotStart if the schema is newer than this program, or was made by another build of
   *     it
   */
  public static void run(Database database) {
    try (Connection connection = database.patientSession()) {
      Map<Integer, Integer> wanted = checksums();
      if (wanted.equals(present(connection))) {
        return;
      }
      query(connection, LOCK); // until the connection is closed; Flyway's own does not cover all
      Map<Integer, Integer> present = present(connection);
      refuse(database.address(), wanted, present);
      if (!wanted.equals(present)) {
        int _ = flyway(database).migrate().migrationsExecuted;
      }
    } catch (SQLException e) {
      throw new CannotStart(StartChecks.explain(e, database.address()), e);
    } catch (FlywayException e) {
      throw new CannotStart(
          "database %s: the schema cannot be migrated: %s"
              .formatted(
                  database.address(), String.valueOf(e.getMessage()).replaceAll("\\s+", " ")),
          e);
    }
  }

  private static void refuse(
      DatabaseAddress at, Map<Integer, Integer> wanted, Map<Integer, Integer> present) {
    int newest = FILES.size();
    present.forEach((version, checksum) -> {
      Integer ours = wanted.get(version);
      if (ours == null) {
        throw new CannotStart(
            "database %s: its schema has version %d, this program knows %d; use the newer program"
                .formatted(at, version, newest));
      }
      if (!ours.equals(checksum)) {
        throw new CannotStart(
            "database %s: version %d of its schema was made by another build of this program; use that build, or a new database"
                .formatted(at, version));
      }
    });
  }

  static Flyway flyway(Database database) {
    return Flyway.configure(Migrations.class.getClassLoader())
        .dataSource(database.patient())
        .schemas("batchyard")
        .createSchemas(true)
        .locations("classpath:" + FOLDER)
        .validateMigrationNaming(true)
        .load();
  }

  /** Version and checksum of what the database has; empty if it has nothing. */
  private static Map<Integer, Integer> present(Connection connection) throws SQLException {
    Map<Integer, Integer> found = new TreeMap<>();
    if (query(connection, HAS_HISTORY).equals("t")) {
      try (Statement statement = connection.createStatement();
          ResultSet row = statement.executeQuery(HISTORY)) {
        while (row.next()) {
          found.put(row.getInt(1), row.getInt(2));
        }
      }
    }
    return found;
  }

  private static String query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return String.valueOf(row.getString(1));
    }
  }

  /** Version and checksum of what this program brings, reckoned as Flyway does. */
  static Map<Integer, Integer> checksums() {
    Map<Integer, Integer> found = new TreeMap<>();
    FILES.forEach((version, file) -> found.put(version, checksum(file)));
    return found;
  }

  /** A CRC-32 over the lines without their ends, so that it does not depend on how they end. */
  private static int checksum(String file) {
    CRC32 crc = new CRC32();
    try (InputStream in = Migrations.class.getResourceAsStream("/" + FOLDER + "/" + file);
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        crc.update(line.getBytes(StandardCharsets.UTF_8));
      }
      return (int) crc.getValue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
