package dev.batchyard.bench;

import dev.batchyard.bench.queue.Sources;
import dev.batchyard.store.server.DatabaseAddress;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How large the tables whose rows come and go are, with their indexes, and how large they would be
 * if they were written anew: those that are vacuumed by threshold, and the nodes.
 */
final class HotTables {

  /**
   * What they may take together while next to nothing is in them: vacuum begins when some thousand
   * rows of a table are dead, so their live size alone would say little.
   */
  static final long FLOOR_BYTES = 1_048_576;

  private static final String NAMES =
      """
      select relname from pg_class
       where relnamespace = 'batchyard'::regnamespace and relkind = 'r'
         and (reloptions::text like '%autovacuum_vacuum_scale_factor=0%' or relname = 'node')
       order by relname
      """;

  private final DatabaseAddress database;

  HotTables(DatabaseAddress database) {
    this.database = database;
  }

  /**
   * Sizes of one moment.
   *
   * @param bytes as they are
   * @param live_bytes with nothing but live rows
   */
  record Sizes(long bytes, long live_bytes) {

    /** {@return the one over the other, which counts as at least {@link #FLOOR_BYTES}} */
    double ratio() {
      return (double) bytes / Math.max(live_bytes, FLOOR_BYTES);
    }
  }

  /** Measures them, and tells each. */
  Sizes measure(PrintStream out) throws SQLException {
    long all = 0;
    long live = 0;
    try (Connection connection = Sources.of(database).getConnection();
        Statement statement = connection.createStatement()) {
      for (String name : names(statement)) {
        long bytes = size(statement, "batchyard." + name);
        long anew = anew(statement, name);
        out.printf(
            Locale.ROOT, "# %s: %d kB, written anew %d kB%n", name, bytes / 1024, anew / 1024);
        all += bytes;
        live += anew;
      }
    }
    return new Sizes(all, live);
  }

  private static List<String> names(Statement statement) throws SQLException {
    List<String> names = new ArrayList<>();
    try (ResultSet rows = statement.executeQuery(NAMES)) {
      while (rows.next()) {
        names.add(rows.getString(1));
      }
    }
    return names;
  }

  private static long anew(Statement statement, String name) throws SQLException {
    statement.execute("create table public.anew (like batchyard.%s including all)".formatted(name));
    try {
      statement.execute(
          "insert into public.anew overriding system value select * from batchyard." + name);
      return size(statement, "public.anew");
    } finally {
      statement.execute("drop table public.anew");
    }
  }

  private static long size(Statement statement, String table) throws SQLException {
    try (ResultSet row =
        statement.executeQuery("select pg_total_relation_size('%s')".formatted(table))) {
      row.next();
      return row.getLong(1);
    }
  }
}
