package dev.batchyard.store;

import dev.batchyard.engine.port.Doctor.Found;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How one check of the doctor reads, and what is done about what it finds.
 *
 * @param pages reads
 * @param walks whether it goes through a table that grows
 * @param mend does what is safe; nothing if nothing is
 */
record Scan(Pages pages, boolean walks, Mend mend) {

  /** A statement of a look that takes longer is given up. */
  static final String PATIENCE = "set local statement_timeout = '5s'";

  private static final String LIMIT = " limit 1000";

  /** Reads a table page by page; of what does not grow, one page is all. */
  interface Pages {

    /** {@return where the first page begins} */
    String start(Connection connection) throws SQLException;

    /** Reads the page that begins there; the same place gives the same page. */
    Page page(Connection connection, String from) throws SQLException;
  }

  /** Puts one thing in order. */
  @FunctionalInterface
  interface Mend {

    /** {@return whether it is as it should be now} */
    boolean of(Found found);
  }

  /**
   * What was read.
   *
   * @param looked how many rows
   * @param next where the next page begins; empty at the end
   */
  record Page(List<Found> found, long looked, Optional<String> next) {
    Page {
      found = List.copyOf(found);
    }
  }

  /**
   * All at once, for what does not grow.
   *
   * @param sql one row of (subject, key, detail) for each finding
   * @param values what it is asked with, made anew each time
   */
  static Pages glance(String sql, Supplier<@Nullable Object[]> values) {
    return new Pages() {
      @Override
      public String start(Connection connection) {
        return "";
      }

      @Override
      public Page page(Connection connection, String from) throws SQLException {
        List<Found> found = Sql.query(connection, sql + LIMIT, Scan::found, values.get());
        return new Page(found, found.size(), Optional.empty());
      }
    };
  }

  /**
   * Page by page in the order of a key.
   *
   * @param start a statement that says where the first page begins
   * @param rows the most of a page
   * @param page the next rows behind {@code ?}, at most {@code ?}: each with its place {@code at}
   *     and its number {@code n} in the page
   * @param bad rows of (subject, key, detail) from the CTE {@code page}
   */
  static Pages walk(String start, int rows, String page, String bad) {
    String sql =
        """
        with page as materialized (
        %s),
        bad as materialized (
        %s %s)
        select n.looked, n.last, b.subject, b.key, b.detail
          from (select count(*) as looked, (select at from page order by n desc limit 1) as last
                  from page) n
          left join bad b on true
        """
            .formatted(page, bad, LIMIT);
    return new Pages() {
      @Override
      public String start(Connection connection) throws SQLException {
        return Sql.query(connection, start, r -> r.getString(1)).getFirst();
      }

      @Override
      public Page page(Connection connection, String from) throws SQLException {
        List<Found> found = new ArrayList<>();
        List<Step> steps =
            Sql.query(
                connection,
                sql,
                r -> {
                  if (r.getString("subject") != null) {
                    found.add(found(r));
                  }
                  return new Step(r.getLong("looked"), Sql.maybeText(r, "last"));
                },
                from,
                rows);
        Step step = steps.getFirst();
        return new Page(found, step.looked(), step.looked() == 0 ? Optional.empty() : step.last());
      }
    };
  }

  private record Step(long looked, Optional<String> last) {}

  static Found found(ResultSet row) throws SQLException {
    return new Found(row.getString("subject"), row.getString("key"), row.getString("detail"));
  }
}
