package dev.batchyard.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;

/** Cuts single tasks out of the blocks in which they wait. Runs inside the caller's transaction. */
final class WaitingTasks {

  // A block never reaches more than 500 ids beyond its first one, which never changes.
  private static final String LOCK =
      """
      select bid, lane, due_at, lo, hi
        from block
       where first between ?::bigint - 499 and ? and lo <= ? and hi >= ?
         for update
      """;

  private static final String END =
      """
      with was as (
        select b.*, l.type, c.now,
               case when b.due_at <= c.now   then 'ready'
                    when b.kind = 'retry'    then 'retrying'
                    else                          'scheduled' end::task_state as state
          from block b
          join lane l on l.id = b.lane
         cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c
         where b.lane = ? and b.due_at = ? and b.bid = ?),
      ended as (
        insert into outcome (id, type, state, lane, attempt, failures, crashes, generation,
                             finished_at)
        select ?, type, 'cancelled', lane, attempt, failures, crashes, generation, now from was
        returning lane, state, finished_at),
      tallied as (
        insert into tally (day, lane, state, n)
        select (max(finished_at) at time zone 'UTC')::date, lane, state, count(*)
          from ended
         group by lane, state)
      insert into event (task, at, from_state, to_state, by, why)
      select ?, now, state, 'cancelled', ?, 'cancelled while it was ' || state from was
      """;

  private static final String SET_ASIDE =
      """
      with was as (
        select b.*, c.now,
               case when b.due_at <= c.now   then 'ready'
                    when b.kind = 'retry'    then 'retrying'
                    else                          'scheduled' end::task_state as state
          from block b
         cross join (select coalesce(?::timestamptz, clock_timestamp()) as now) c
         where b.lane = ? and b.due_at = ? and b.bid = ?),
      moved as (
        insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes,
                            generation, by, at)
        select ?, 'paused', state, kind, lane, due_at, attempt, failures, crashes, generation, ?, now
          from was)
      insert into event (task, at, from_state, to_state, by, why)
      select ?, now, state, 'paused', ?, 'paused while it was ' || state from was
      """;

  private static final String TAIL =
      """
      insert into block (lane, due_at, kind, whole, first, lo, hi,
                         attempt, failures, crashes, generation)
      select lane, due_at, kind, whole, ?, ?, hi, attempt, failures, crashes, generation
        from block
       where lane = ? and due_at = ? and bid = ? and hi >= ?
      """;

  private static final String HEAD =
      """
      update block set hi = ? where lane = ? and due_at = ? and bid = ?
      """;

  private static final String WITHOUT_FIRST =
      """
      update block set lo = ? where lane = ? and due_at = ? and bid = ?
      """;

  private static final String DELETE =
      """
      delete from block where lane = ? and due_at = ? and bid = ?
      """;

  /** The row of a block, locked. */
  record Block(long bid, int lane, Instant due, long lo, long hi) {}

  private final StoreClock clock;

  WaitingTasks(StoreClock clock) {
    this.clock = clock;
  }

  /** Finds and locks the block of a task; empty if the task does not wait there. */
  Optional<Block> find(Connection connection, long task) throws SQLException {
    return Sql.first(
        connection,
        LOCK,
        r ->
            new Block(
                r.getLong("bid"),
                r.getInt("lane"),
                Sql.instant(r, "due_at"),
                r.getLong("lo"),
                r.getLong("hi")),
        task,
        task,
        task,
        task);
  }

  /** Ends a waiting task; false if it does not wait. */
  boolean cancel(Connection connection, long task, String by) throws SQLException {
    Optional<Block> block = find(connection, task);
    if (block.isEmpty()) {
      return false;
    }
    Block b = block.get();
    Sql.run(connection, END, clock.bound(), b.lane(), b.due(), b.bid(), task, task, by);
    cut(connection, b, task);
    return true;
  }

  /** Sets a waiting task aside; false if it does not wait. */
  boolean pause(Connection connection, long task, String by) throws SQLException {
    Optional<Block> block = find(connection, task);
    if (block.isEmpty()) {
      return false;
    }
    Block b = block.get();
    Sql.run(connection, SET_ASIDE, clock.bound(), b.lane(), b.due(), b.bid(), task, by, task, by);
    cut(connection, b, task);
    return true;
  }

  private static void cut(Connection connection, Block b, long task) throws SQLException {
    if (b.lo() == b.hi()) {
      Sql.run(connection, DELETE, b.lane(), b.due(), b.bid());
    } else if (b.lo() == task) {
      Sql.run(connection, WITHOUT_FIRST, task + 1, b.lane(), b.due(), b.bid());
    } else {
      long next = task + 1;
      Sql.run(connection, TAIL, next, next, b.lane(), b.due(), b.bid(), next);
      Sql.run(connection, HEAD, task - 1, b.lane(), b.due(), b.bid());
    }
  }
}
