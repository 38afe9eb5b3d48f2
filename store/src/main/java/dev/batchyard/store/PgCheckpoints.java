package dev.batchyard.store;

import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.engine.port.Checkpoints;
import dev.batchyard.engine.port.MoveRefused;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** Reads checkpoints, and sends a task that does not run back to one of them. */
final class PgCheckpoints implements Checkpoints {

  private static final String ALL =
      """
      select shard, number, last, position::text as position, read, written, skipped, rejected,
             attempt, at
        from (select shard, kept + 1 as number, true as last, position, read, written, skipped,
                     rejected, attempt, moved_at as at
                from checkpoint
               where task = ?
               union all
              select shard, number, false, position, read, written, skipped, rejected, attempt, at
                from checkpoint_log
               where task = ?) c
       order by shard, number desc
       limit ?
      """;

  private static final String LAST =
      """
      select shard, kept + 1 as number, true as last, position::text as position, read, written,
             skipped, rejected, attempt, moved_at as at, rewinds
        from checkpoint
       where task = ?
       order by shard
         for update
      """;

  private static final String ONE =
      """
      select shard, number, false as last, position::text as position, read, written, skipped,
             rejected, attempt, at
        from checkpoint_log
       where task = ? and shard = ? and number = ?
      """;

  private static final String MOVE =
      """
      update checkpoint c
         set (position, read, written, skipped, rejected, attempt, kept) = (
               select l.position, l.read, l.written, l.skipped, l.rejected, l.attempt, l.number - 1
                 from checkpoint_log l
                where l.task = c.task and l.shard = c.shard and l.number = ?),
             moved_at = coalesce(?::timestamptz, clock_timestamp()),
             kept_at = coalesce(?::timestamptz, clock_timestamp())
       where c.task = ? and c.shard = ?
      """;

  private static final String FORGET =
      """
      delete from checkpoint_log where task = ? and shard = ? and number >= ?
      """;

  // those before a checkpoint come first by their number
  private static final String FORGET_REJECTS =
      """
      delete from reject
       where task = ? and shard = ?
         and (number, generation) not in (
           select number, generation from reject
            where task = ? and shard = ? order by number, generation limit ?)
      """;

  private static final String TELL =
      """
      insert into log_line (task, attempt, at, level, text)
      values (?, ?, coalesce(?::timestamptz, clock_timestamp()), 'info', ?)
      """;

  private record Last(Passed checkpoint, boolean rewinds) {}

  private final Db db;
  private final StoreClock clock;

  PgCheckpoints(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
  }

  @Override
  public List<Passed> of(long task) {
    return db.query(ALL, PgCheckpoints::passed, task, task, TOLD_MAX);
  }

  /**
   * Sends a task back, in the transaction that lets it go on; the caller has locked the row of its
   * home, in which no attempt runs.
   *
   * @throws MoveRefused if it has no such checkpoint, or has written since then what its sink does
   *     not write twice; the caller's transaction is undone then
   */
  void goBack(Connection connection, long task, int number, String by) throws SQLException {
    List<Last> lasts =
        Sql.query(connection, LAST, r -> new Last(passed(r), r.getBoolean("rewinds")), task);
    if (lasts.size() > 1) {
      throw new MoveRefused(
          "task %d: its source has %d parts with checkpoints of their own; it cannot go back"
              .formatted(task, lasts.size()));
    }
    if (lasts.isEmpty()) {
      throw unknown(task, number);
    }
    Last last = lasts.getFirst();
    Passed now = last.checkpoint();
    if (now.number() == number) {
      return; // it goes on from there anyway
    }
    Passed to =
        Sql.first(connection, ONE, PgCheckpoints::passed, task, now.shard(), number)
            .orElseThrow(() -> unknown(task, number));
    long beyond = now.ledger().written() - to.ledger().written();
    if (!last.rewinds() && beyond > 0) {
      throw new MoveRefused(
          "task %d: since checkpoint %d it has written %,d %s, which stay in its target and would be there twice, since its sink does not write over them. Without --from-checkpoint it goes on from the last one; to write them anew, take them away yourself and submit anew"
              .formatted(task, number, beyond, beyond == 1 ? "item" : "items"));
    }
    Sql.run(connection, MOVE, number, clock.bound(), clock.bound(), task, now.shard());
    Sql.run(connection, FORGET, task, now.shard(), number);
    Sql.run(
        connection, FORGET_REJECTS, task, now.shard(), task, now.shard(), to.ledger().rejected());
    Sql.run(connection, TELL, task, now.attempt(), clock.bound(), told(now, to, by));
  }

  private static MoveRefused unknown(long task, int number) {
    return new MoveRefused(
        "task %d: it has no checkpoint %d; './batchyard checkpoints %d' lists those that are kept"
            .formatted(task, number, task));
  }

  private static String told(Passed from, Passed to, String by) {
    return "%s sends it back from checkpoint %d (read %,d) to %d (read %,d)"
        .formatted(by, from.number(), from.ledger().read(), to.number(), to.ledger().read());
  }

  private static Passed passed(ResultSet row) throws SQLException {
    return new Passed(
        row.getInt("shard"),
        row.getInt("number"),
        row.getBoolean("last"),
        row.getString("position"),
        new Ledger(
            row.getLong("read"),
            row.getLong("written"),
            row.getLong("skipped"),
            row.getLong("rejected")),
        row.getInt("attempt"),
        Sql.instant(row, "at"));
  }
}
