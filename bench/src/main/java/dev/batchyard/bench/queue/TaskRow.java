package dev.batchyard.bench.queue;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * What any queue must keep of a task to answer what is asked of one: its queue, type, priority,
 * attempt, when it is due and when it came, its parameters; of one that ended besides when it
 * started and ended, its state and result, and the node. One index, which gives the order of
 * claims. The history has none.
 */
final class TaskRow implements LimitRow {

  private static final String QUEUE = "default";
  private static final String NODE = "node-1";
  private static final String RESULT = "{}";

  // Times travel as seconds in float8, which keeps their microseconds until the year 2106: as texts
  // they would be written by one side and parsed by the other, twice for each task.
  /** Rows are never changed, only deleted: a place that was locked is still that of its row. */
  private static final String CLAIM =
      """
      delete from task
       where ctid = any (array(
         select ctid from task
          where queue = ?
            and (priority, due_at, id) > (?::smallint, to_timestamp(?), ?::bigint)
            and due_at <= now()
          order by priority, due_at, id
          limit ?
            for update skip locked))
      returning id, type, priority, attempt, date_part('epoch', due_at),
                date_part('epoch', submitted_at), params
      """;

  private static final String MOVE =
      """
      insert into history (id, queue, type, priority, attempt, due_at, submitted_at, params, state,
                           started_at, finished_at, result, node)
      select id, ?, type, priority, attempt + 1, to_timestamp(due_at),
             to_timestamp(submitted_at), params::jsonb, 'c',
             now() - ran * interval '1 ms', now(), result::jsonb, ?
        from unnest(?::bigint[], ?::text[], ?::smallint[], ?::smallint[], ?::float8[],
                    ?::float8[], ?::text[], ?::bigint[], ?::text[])
             t (id, type, priority, attempt, due_at, submitted_at, params, ran, result)
      """;

  @Override
  public String says() {
    return "id, queue, type, priority, attempt, due_at, submitted_at, params;"
        + " index (queue, priority, due_at, id)";
  }

  @Override
  public List<String> tables() {
    return List.of(
        """
        create table task (
          id           bigint      generated always as identity,
          submitted_at timestamptz not null default now(),
          due_at       timestamptz not null default now(),
          priority     smallint    not null,
          attempt      smallint    not null default 0,
          queue        text        not null,
          type         text        not null,
          params       jsonb       not null,
          primary key (queue, priority, due_at, id))
          with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                vacuum_truncate = false)
        """,
        """
        create table history (
          id           bigint      not null,
          submitted_at timestamptz not null,
          due_at       timestamptz not null,
          started_at   timestamptz not null,
          finished_at  timestamptz not null,
          priority     smallint    not null,
          attempt      smallint    not null,
          state        "char"      not null,
          queue        text        not null,
          type         text        not null,
          node         text        not null,
          params       jsonb       not null,
          result       jsonb)
        """);
  }

  @Override
  public String bulk() {
    return """
    insert into task (queue, priority, type, params)
    select '%s', 0, ?, params::jsonb from unnest(?::text[]) t (params)
    """
        .formatted(QUEUE);
  }

  @Override
  public String single() {
    return "insert into task (queue, priority, type, params) values ('%s', 0, ?, ?::jsonb)"
        .formatted(QUEUE);
  }

  @Override
  public Claims claims(Connection connection, int max) throws SQLException {
    return new OfConnection(connection, max);
  }

  private record Mark(short priority, double dueS, long id) {

    static final Mark START = new Mark(Short.MIN_VALUE, Double.NEGATIVE_INFINITY, 0);
  }

  private record Claimed(
      long id,
      String type,
      short priority,
      short attempt,
      double dueS,
      double submittedS,
      String params) {}

  private static final Comparator<Claimed> ORDER =
      Comparator.comparingInt(Claimed::priority)
          .thenComparingDouble(Claimed::dueS)
          .thenComparingLong(Claimed::id);

  private static final class OfConnection implements Claims {

    private final PreparedStatement claim;
    private final PreparedStatement move;
    private List<Claimed> claimed = List.of();
    private Mark mark = Mark.START;
    private long claimedAtNs;

    OfConnection(Connection connection, int max) throws SQLException {
      this.claim = connection.prepareStatement(CLAIM);
      this.move = connection.prepareStatement(MOVE);
      claim.setString(1, QUEUE);
      claim.setInt(5, max);
      move.setString(1, QUEUE);
      move.setString(2, NODE);
    }

    @Override
    public List<String> next() throws SQLException {
      claimed = behind(mark);
      if (claimed.isEmpty() && !mark.equals(Mark.START)) {
        claimed = behind(Mark.START);
      }
      mark = claimed.isEmpty() ? Mark.START : last(claimed);
      claimedAtNs = System.nanoTime();
      return claimed.stream().map(Claimed::params).toList();
    }

    /** A delete by place returns in the order of places. */
    private static Mark last(List<Claimed> tasks) {
      Claimed last = Collections.max(tasks, ORDER);
      return new Mark(last.priority, last.dueS, last.id);
    }

    private List<Claimed> behind(Mark from) throws SQLException {
      claim.setObject(2, from.priority, Types.SMALLINT);
      claim.setDouble(3, from.dueS);
      claim.setLong(4, from.id);
      List<Claimed> found = new ArrayList<>();
      try (ResultSet rows = claim.executeQuery()) {
        while (rows.next()) {
          found.add(
              new Claimed(
                  rows.getLong(1),
                  rows.getString(2),
                  rows.getShort(3),
                  rows.getShort(4),
                  rows.getDouble(5),
                  rows.getDouble(6),
                  rows.getString(7)));
        }
      }
      return found;
    }

    @Override
    public void move() throws SQLException {
      int count = claimed.size();
      long[] ids = new long[count];
      String[] types = new String[count];
      short[] priorities = new short[count];
      short[] attempts = new short[count];
      double[] dueS = new double[count];
      double[] submittedS = new double[count];
      String[] params = new String[count];
      long[] ranMs = new long[count];
      String[] results = new String[count];
      for (int i = 0; i < count; i++) {
        Claimed task = claimed.get(i);
        ids[i] = task.id;
        types[i] = task.type;
        priorities[i] = task.priority;
        attempts[i] = task.attempt;
        dueS[i] = task.dueS;
        submittedS[i] = task.submittedS;
        params[i] = task.params;
      }
      Arrays.fill(ranMs, (System.nanoTime() - claimedAtNs) / 1_000_000);
      Arrays.fill(results, RESULT);
      Object[] columns = {
        ids, types, priorities, attempts, dueS, submittedS, params, ranMs, results
      };
      for (int i = 0; i < columns.length; i++) {
        move.setObject(i + 3, columns[i]);
      }
      move.executeUpdate();
    }

    @Override
    public void close() throws SQLException {
      claim.close();
      move.close();
    }
  }
}
