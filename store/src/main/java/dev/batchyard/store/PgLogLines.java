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

  // A quick attempt that completed without a line of its own has stored none: its two lines are in
  // its outcome. Their ids lie above all others (and within what a page's script can count), since
  // nothing follows a completion. A second on, what the attempt did write is surely stored.
  private static final String DERIVED =
      """
      select d.id, o.id, o.attempt, d.at, 'info', d.text
        from outcome o
       cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c
       cross join lateral (
         values (9007199254740990, coalesce(o.started_at, o.finished_at),
                 format('task_start attempt=%s node=%s', o.attempt, o.node)),
                (9007199254740991, o.finished_at,
                 format('task_completion after %s ms',
                        round(extract(epoch from o.finished_at - o.started_at) * 1000)))) d (id, at, text)
       where o.id = ? and d.id > ? and o.state = 'completed' and o.lease is not null
         and o.finished_at <= c.now - interval '1 s'
         and not exists (select from log_line l where l.task = o.id and l.attempt = o.attempt)
      """;

  private static final String READ =
      """
      select id, task, attempt, at, level, text
        from ((select id, task, attempt, at, level, text
                 from log_line
                where task = ? and id > ?
                order by id
                limit ?)
               union all
      """
          + DERIVED
          + """
                ) l
           order by id
           limit ?
          """;

  private static final String TAIL =
      """
      select id, task, attempt, at, level, text
        from ((select id, task, attempt, at, level, text
                 from log_line
                where task = ?
                order by id desc
                limit ?)
               union all
      """
          + DERIVED
          + """
                ) l
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
    int most = Math.clamp(limit, 1, BATCH_MAX);
    return db.query(READ, PgLogLines::line, task, after, most, clock.bound(), task, after, most);
  }

  @Override
  public List<Line> tail(long task, int limit) {
    int most = Math.clamp(limit, 1, BATCH_MAX);
    return db.query(TAIL, PgLogLines::line, task, most, clock.bound(), task, 0L, most).reversed();
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
