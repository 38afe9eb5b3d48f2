package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.task.Transitions;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.postgresql.PGConnection;

/** What must be true of an import after whatever was done to it. */
final class ImportProof {

  private ImportProof() {}

  /**
   * Compares the target with the file as multisets, in the database: the file is loaded again by
   * one plain COPY, and neither side may have a row more than the other.
   */
  static void sameRows(Connection db, Path file, String table) throws Exception {
    try (Statement statement = db.createStatement();
        Reader source = Files.newBufferedReader(file)) {
      statement.execute("drop table if exists expected_rows");
      statement.execute("create table expected_rows as select * from " + table + " limit 0");
      db.unwrap(PGConnection.class)
          .getCopyAPI()
          .copyIn("copy expected_rows from stdin (format csv, header true)", source);
      assertThat(number(statement, "select count(*) from expected_rows")).isPositive();
      assertThat(
              number(
                  statement,
                  "select count(*) from (table expected_rows except all table " + table + ") d"))
          .as("rows lost")
          .isZero();
      assertThat(
              number(
                  statement,
                  "select count(*) from (table " + table + " except all table expected_rows) d"))
          .as("rows doubled or invented")
          .isZero();
    }
  }

  /** The ledger balances and says exactly what is in the table. */
  static void balanced(Connection db, long task, String table, long read, long rejected)
      throws SQLException {
    try (Statement statement = db.createStatement();
        ResultSet row =
            statement.executeQuery(
                """
                select read, written, skipped, rejected
                  from batchyard.checkpoint
                 where task = %d
                """
                    .formatted(task))) {
      assertThat(row.next()).as("a ledger").isTrue();
      assertThat(row.getLong("read")).isEqualTo(read);
      assertThat(row.getLong("rejected")).isEqualTo(rejected);
      assertThat(row.getLong("read"))
          .isEqualTo(row.getLong("written") + row.getLong("skipped") + row.getLong("rejected"));
      long written = row.getLong("written");
      try (Statement other = db.createStatement()) {
        assertThat(number(other, "select count(*) from " + table)).isEqualTo(written);
      }
    }
  }

  /** Its history is a path through the table of legal moves. */
  static void legal(List<TaskState> history) {
    assertThat(Transitions.firstIllegal(history)).as("first illegal of %s", history).isEqualTo(-1);
  }

  static long number(Statement statement, String sql) throws SQLException {
    try (ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }
}
