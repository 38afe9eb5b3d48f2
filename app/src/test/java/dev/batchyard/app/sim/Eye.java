package dev.batchyard.app.sim;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Looks straight into the database, past the net: no call of it is an event of the world. Also the
 * database of the handlers, whose items it writes.
 */
final class Eye {

  static final String ONE_HOME = "a task is in one place";
  static final String NO_LATE_CLAIM = "a fenced node claims nothing";
  static final String STALE_CHUNKS = "no chunk of a lost lease is kept";
  static final String STALE_ENDS = "the end of a lost lease is refused";
  static final String DUE_ENDS_ARE_KEPT = "the end of a lease that stands is kept, again and again";
  static final String HELD_TASKS_REST = "what is cancelled or paused does not start";

  private static final String LOOK =
      """
      with home as materialized (
        select generate_series(lo, hi) as id, 'block' as place from block
         union all
        select generate_series(lower(r), upper(r) - 1), 'lease' from lease, unnest(ids) r
         union all
        select id, 'parked' from parked
         union all
        select id, 'outcome' from outcome)
      select 'home' as what, id::text as which, string_agg(place, ', ' order by place) as how,
             null::bigint as us
        from (select id, place from home union all select id, null from task) p
       group by id
      having count(*) <> 2 or count(place) <> 1
       union all
      select 'fenced', boot::text, fenced_why, (extract(epoch from fenced_at) * 1000000)::bigint
        from node
       where fenced_at is not null
       union all
      select 'late claim', l.id::text, n.name, null
        from lease l join node n on n.boot = l.boot
       where l.claimed_at > n.fenced_at
       union all
      select 'left', '', '',
             (select count(*) from task) - (select count(*) from outcome)
             + (select count(*) from lease) + (select count(*) from running)
             + (select count(*) from request)
       order by what, which
      """;

  private static final String FAILED_UNDOS =
      """
      select s.undo_task
        from compensation c
        join step s on s.task = c.task and s.round = c.round and s.undone_at is null
        join outcome o on o.id = s.undo_task and o.state <> 'completed'
       where c.state = 'needs_person'
       order by 1
      """;

  private static final String LEFT =
      """
      select 'task ' || id from task t where not exists (select from outcome o where o.id = t.id)
       union all
      select 'lease ' || id from lease
       union all
      select 'running ' || task from running
       union all
      select 'request ' || task from request
       order by 1
      """;

  private static final String HOLDS =
      """
      select 1 from lease where token = ? and ids @> ?::bigint
      """;

  private static final String LIVES =
      """
      select 1 from node where boot = ? and fenced_at is null
      """;

  private static final String MUST_NOT_CLAIM =
      """
      select case when q.paused_at is not null then '%s' else '%s' end
        from lease l
        join lane a on a.id = l.lane
        join queue q on q.name = a.queue
        left join node n on n.boot = l.boot
       where l.token = ? and (q.paused_at is not null or n.boot is null or n.fenced_at is not null)
      """
          .formatted(Census.PAUSED_QUEUES_REST, NO_LATE_CLAIM);

  private static final String DONE_STEP =
      """
      select 1 from step where task = ? and name = ? and done_at is not null and undo_task is null
      """;

  private static final String DO_STEP =
      """
      insert into sim_step values (?, ?, ?) returning 1
      """;

  private static final String UNDO_STEP =
      """
      insert into sim_undo (undo_task, task, generation, step) values (?, ?, ?, ?)
          on conflict do nothing
      returning 1
      """;

  private static final String STORED =
      """
      select 1 from outcome where id = ? and lease = ?
       union all
      select 1 from attempt_log where task = ? and lease = ?
      """;

  private final World world;
  private final Journal journal;
  private final Connection db;
  private @Nullable Census census;

  /** Over a connection whose search path is the schema. */
  Eye(World world, Journal journal, Connection db) {
    this.world = world;
    this.journal = journal;
    this.db = db;
  }

  void tells(Census newCensus) {
    census = newCensus;
  }

  /** Makes a value of one row. */
  interface Row<T> {
    T read(ResultSet row) throws SQLException;
  }

  /** {@return what a statement finds} */
  <T> List<T> find(String sql, Row<T> row, Object... values) {
    try (PreparedStatement statement = db.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      List<T> found = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          found.add(row.read(rows));
        }
      }
      return found;
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  private boolean exists(String sql, Object... values) {
    return !find(sql, row -> true, values).isEmpty();
  }

  /** {@return whether the task is leased to this attempt at this moment} */
  boolean holds(LeaseToken lease) {
    return exists(HOLDS, lease.token(), lease.task());
  }

  /** {@return whether a boot can renew no lease any more} */
  boolean isFenced(UUID boot) {
    return !exists(LIVES, boot);
  }

  /** The store gave tasks to a node. */
  void claimed(UUID boot, List<Claim> claims) {
    for (Claim claim : claims) {
      String why = journal.held.get(claim.task());
      if (why != null) {
        world.violated(HELD_TASKS_REST, "task %d is %s".formatted(claim.task(), why));
      }
    }
    if (!claims.isEmpty()) {
      find(MUST_NOT_CLAIM, row -> row.getString(1), claims.getFirst().token())
          .forEach(
              invariant -> world.violated(invariant, Census.name(boot) + " claimed " + claims));
    }
  }

  /** {@return the tasks of these ends that their attempts own, or whose end is stored already} */
  Set<Long> due(List<Finish> ends) {
    Set<Long> due = new HashSet<>();
    for (Finish end : ends) {
      Claim claim = end.claim();
      long task = claim.task();
      if (exists(HOLDS, claim.token(), task)
          || exists(STORED, task, claim.lease(), task, claim.lease())) {
        due.add(task);
      }
    }
    return due;
  }

  /** The store judged ends. */
  void judged(List<Finish> ends, Set<Long> due, Finishes.Result result) {
    for (Finish end : ends) {
      long task = end.claim().task();
      if (due.contains(task) != result.kept().contains(task)) {
        world.violated(
            due.contains(task) ? DUE_ENDS_ARE_KEPT : STALE_ENDS,
            "task %d under lease %d".formatted(task, end.claim().lease()));
      }
    }
  }

  /** {@return how many items of a task are committed} */
  int position(LeaseToken lease) throws SQLException {
    try (PreparedStatement read =
        db.prepareStatement(
            "select coalesce(max(read), 0)::integer from read_checkpoint(?, ?, 0)")) {
      read.setLong(1, lease.task());
      read.setObject(2, lease.token());
      try (ResultSet row = read.executeQuery()) {
        boolean _ = row.next();
        return row.getInt(1);
      }
    }
  }

  /** Commits an item, its checkpoint, or both, in one transaction. */
  boolean commit(LeaseToken lease, int generation, int item, boolean data, boolean checkpoint)
      throws SQLException {
    db.setAutoCommit(false);
    try {
      if (data) {
        try (PreparedStatement insert =
            db.prepareStatement("insert into sim_item values (?, ?, ?)")) {
          insert.setLong(1, lease.task());
          insert.setInt(2, item);
          insert.setInt(3, lease.attempt());
          int _ = insert.executeUpdate();
        }
      }
      if (checkpoint) {
        move(lease, generation, item);
      }
      db.commit();
    } catch (SQLException e) {
      db.rollback();
      throw e;
    } finally {
      db.setAutoCommit(true);
    }
    if (!holds(lease)) {
      world.violated(STALE_CHUNKS, "item %d of %s".formatted(item, lease));
    }
    return true;
  }

  private void move(LeaseToken lease, int generation, int item) throws SQLException {
    try (PreparedStatement move =
        db.prepareStatement("select commit_chunk(?, ?, 0, ?, ?::jsonb, 1, 1, 0, 0, null)")) {
      move.setLong(1, lease.task());
      move.setObject(2, lease.token());
      move.setInt(3, generation);
      move.setString(4, "{\"item\": %d}".formatted(item));
      boolean _ = move.execute();
    }
  }

  /** {@return whether a step of a task is recorded as done, and is not to be undone} */
  boolean isDone(long task, String step) {
    return exists(DONE_STEP, task, step);
  }

  /** What a step does. */
  boolean doStep(LeaseToken lease, int generation, int step) {
    return exists(DO_STEP, lease.task(), generation, step);
  }

  /** What takes it back; twice is as once. */
  boolean undoStep(long undo, long task, int generation, int step) {
    return !exists(UNDO_STEP, undo, task, generation, step);
  }

  List<Long> paused() {
    return find("select id from parked where state = 'paused' order by id", row -> row.getLong(1));
  }

  List<String> pausedQueues() {
    return find(
        "select name from queue where paused_at is not null order by name",
        row -> row.getString(1));
  }

  List<Long> unsealed() {
    return find("select id from batch where sealed_at is null order by id", row -> row.getLong(1));
  }

  /** {@return tasks that were to undo a step and could not} */
  List<Long> failedUndos() {
    return find(FAILED_UNDOS, row -> row.getLong(1));
  }

  /** {@return what is not done yet} */
  List<String> left() {
    return find(LEFT, row -> row.getString(1));
  }

  /** Looks at all that must hold at every moment; {@return what is left to be done} */
  long look() {
    long[] left = {0};
    Instant epoch = Instant.EPOCH;
    find(
        LOOK,
        row -> {
          String which = row.getString("which");
          String how = row.getString("how");
          long us = row.getLong("us");
          switch (row.getString("what")) {
            case "home" -> world.violated(ONE_HOME, "task " + which + ": " + how);
            case "late claim" -> world.violated(NO_LATE_CLAIM, "lease " + which + " of " + how);
            case "fenced" ->
                Objects.requireNonNull(census)
                    .fenced(
                        UUID.fromString(which), world.nanosOf(epoch.plusNanos(us * 1_000)), how);
            default -> left[0] = us;
          }
          return true;
        });
    return left[0];
  }
}
