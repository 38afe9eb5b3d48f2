package dev.batchyard.tasks.data.jdbc;

import dev.batchyard.tasks.pipeline.Shown;
import java.sql.SQLException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * Why PostgreSQL refused a row.
 *
 * @param column the column at fault, or empty
 * @param reason the server's words, with the constraint if there is one
 * @param line the line of the COPY at fault, from 1; 0 if the server does not say
 */
record RefusedRow(String column, String reason, int line) {
  private static final Pattern LINE =
      Pattern.compile("^COPY .+?, line (\\d+)(?:, column ([^:]+))?", Pattern.MULTILINE);
  private static final int REASON_CHARS_MAX = 500;
  private static final Pattern KEY = Pattern.compile("\\(([^()]+)\\)=");

  /**
   * Whether the error is about a row's values: data exceptions (22), constraints (23), WITH CHECK
   * OPTION (44), what a trigger raises (P0), what is too large for an index or a page, or nested
   * too deeply (54). Row security is not.
   */
  static boolean isAboutValues(SQLException e) {
    String state = String.valueOf(e.getSQLState());
    return state.startsWith("22")
        || state.startsWith("23")
        || state.startsWith("44")
        || state.startsWith("54")
        || state.startsWith("P0");
  }

  static RefusedRow of(SQLException e) {
    ServerErrorMessage server =
        e instanceof PSQLException known ? known.getServerErrorMessage() : null;
    if (server == null) {
      return new RefusedRow("", shown(String.valueOf(e.getMessage())), 0);
    }
    String column = text(server.getColumn());
    int line = 0;
    Matcher where = LINE.matcher(text(server.getWhere()));
    if (where.find()) {
      line = parsed(where.group(1));
      column = column.isEmpty() ? text(where.group(2)) : column;
    }
    String detail = text(server.getDetail());
    Matcher key = KEY.matcher(detail);
    if (column.isEmpty() && key.find()) {
      column = key.group(1);
    }
    StringBuilder reason = new StringBuilder(text(server.getMessage()));
    if (!detail.isEmpty()) {
      reason.append("; ").append(detail);
    }
    return new RefusedRow(column, shown(reason.toString()), line);
  }

  /** The server repeats a value whole, however long it is. */
  private static String shown(String reason) {
    return Shown.cut(reason, REASON_CHARS_MAX);
  }

  private static int parsed(String digits) {
    return digits.length() > 9 ? 0 : Integer.parseInt(digits);
  }

  private static String text(@Nullable String maybe) {
    return maybe == null ? "" : maybe;
  }
}
