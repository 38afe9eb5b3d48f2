package dev.batchyard.store;

import dev.batchyard.engine.port.LogLines;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/**
 * Lines go in as they come; the identity column keeps their order. A line keeps the time of its
 * node unless that lies ahead of the database's by more than a minute: then it gets the database's.
 * Retention goes by these times, and a line dated years ahead would outlast them.
 */
final class PgLogLines implements LogLines {

  private static final String APPEND =
      """
      insert into log_line (task, attempt, at, level, text)
      select task, attempt, case when at > c.now + interval '1 min' then c.now else at end, level, text
        from (select coalesce(?::timestamptz, clock_timestamp()) as now) c
       cross join unnest(?::bigint[], ?::integer[], ?::text[]::timestamptz[], ?::text[], ?::text[])
             with ordinality g (task, attempt, at, level, text, n)
       order by n
      """;

  private static final String READ =
      """
      select id, task, attempt, at, level, text
        from log_line
       where task = ? and id > ?
       order by id
       limit ?
      """;

  private static final String TAIL =
      """
      select id, task, attempt, at, level, text
        from log_line
       where task = ?
       order by id desc
       limit ?
      """;

  private final Db db;
  private final StoreClock clock;

  PgLogLines(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
  }

  @Override
  public void append(List<Line> lines) {
    if (lines.size() > BATCH_MAX) {
      throw new IllegalArgumentException(lines.size() + " lines at once; at most " + BATCH_MAX);
    }
    if (lines.isEmpty()) {
      return;
    }
    int _ =
        db.update(
            APPEND,
            clock.bound(),
            lines.stream().mapToLong(Line::task).toArray(),
            lines.stream().mapToInt(Line::attempt).toArray(),
            lines.stream().map(l -> l.at().toString()).toArray(String[]::new),
            lines.stream().map(Line::level).toArray(String[]::new),
            lines.stream().map(Line::text).toArray(String[]::new));
  }

  @Override
  public List<Line> read(long task, long after, int limit) {
    return db.query(READ, PgLogLines::line, task, after, Math.clamp(limit, 1, BATCH_MAX));
  }

  @Override
  public List<Line> tail(long task, int limit) {
    return db.query(TAIL, PgLogLines::line, task, Math.clamp(limit, 1, BATCH_MAX)).reversed();
  }

  private static Line line(ResultSet row) throws SQLException {
    return new Line(
        row.getLong("id"),
        row.getLong("task"),
        row.getInt("attempt"),
        Sql.instant(row, "at"),
        row.getString("level"),
        row.getString("text"));
  }
}
