package dev.batchyard.store;

import dev.batchyard.api.Limits;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Limits as a task's row has them: numbers and a time only, so that nothing is to be escaped. */
final class LimitsJson {

  /** What {@link #read} needs of a task {@code t}. */
  static final String COLUMNS =
      """
      (t.limits ->> 'queueMs')::bigint as queue_ms, (t.limits ->> 'attemptMs')::bigint as attempt_ms,
      (t.limits ->> 'totalMs')::bigint as total_ms,
      (t.limits ->> 'deadline')::timestamptz as deadline,
      """;

  private LimitsJson() {}

  /** {@return a JSON object; null if nothing is limited} */
  static @Nullable String write(Limits limits) {
    if (limits.none()) {
      return null;
    }
    List<String> fields = new ArrayList<>();
    limits.queueTimeout().ifPresent(span -> fields.add("\"queueMs\":" + span.toMillis()));
    limits.attemptTimeout().ifPresent(span -> fields.add("\"attemptMs\":" + span.toMillis()));
    limits.totalTimeout().ifPresent(span -> fields.add("\"totalMs\":" + span.toMillis()));
    limits.deadline().ifPresent(at -> fields.add("\"deadline\":\"" + at + "\""));
    return "{" + String.join(",", fields) + "}";
  }

  static Limits read(ResultSet row) throws SQLException {
    return new Limits(
        PgClaims.span(row, "queue_ms"),
        PgClaims.span(row, "attempt_ms"),
        PgClaims.span(row, "total_ms"),
        Sql.maybeInstant(row, "deadline"));
  }
}
