package dev.batchyard.app.process;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Reads rows, one after the other or the first few as text. */
final class Rows {

  /** The first examples of a violation tell as much as all. */
  private static final int EXAMPLES_MAX = 5;

  private static final int FETCHED = 10_000;

  private final Connection db;

  Rows(Connection db) {
    this.db = db;
  }

  /** Who looks at a row. */
  interface Seen {
    void see(ResultSet row) throws SQLException;
  }

  void each(String sql, Seen seen) throws SQLException {
    boolean autoCommit = db.getAutoCommit();
    db.setAutoCommit(false); // else the driver fetches all rows at once
    try (Statement statement = db.createStatement()) {
      // between two rows it may look long
      statement.execute("set local idle_in_transaction_session_timeout = 0");
      statement.setFetchSize(FETCHED);
      try (ResultSet row = statement.executeQuery(sql)) {
        while (row.next()) {
          seen.see(row);
        }
      }
    } finally {
      db.setAutoCommit(autoCommit);
    }
  }

  /** {@return a text for each row, as many as examples are wanted} */
  List<String> some(String sql) throws SQLException {
    List<String> found = new ArrayList<>();
    each(
        sql + " limit " + EXAMPLES_MAX,
        row -> {
          List<String> values = new ArrayList<>();
          for (int column = 1; column <= row.getMetaData().getColumnCount(); column++) {
            values.add(String.valueOf(row.getString(column)));
          }
          found.add(String.join(" ", values));
        });
    return found;
  }
}
