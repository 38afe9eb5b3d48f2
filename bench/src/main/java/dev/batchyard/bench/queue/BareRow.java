package dev.batchyard.bench.queue;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * The narrowest row that carries work: no queue can be kept in it, since it has neither order but
 * that of arrival, nor state, time or result. It says what a column costs.
 */
final class BareRow implements LimitRow {

  private static final String CLAIM =
      """
      delete from task
       where id = any (array(
         select id from task
          where id > ?
          order by id
          limit ?
            for update skip locked))
      returning id, type, params
      """;

  private static final String MOVE =
      """
      insert into history (id, type, params, ended_at)
      select id, type, params::jsonb, now()
        from unnest(?::bigint[], ?::text[], ?::text[]) t (id, type, params)
      """;

  @Override
  public String says() {
    return "id, type, params; index (id)";
  }

  @Override
  public List<String> tables() {
    return List.of(
        """
        create table task (
          id     bigint      generated always as identity primary key,
          type   text        not null,
          params jsonb       not null)
          with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                vacuum_truncate = false)
        """,
        """
        create table history (
          id       bigint      not null,
          type     text        not null,
          params   jsonb       not null,
          ended_at timestamptz not null)
        """);
  }

  @Override
  public String bulk() {
    return """
    insert into task (type, params)
    select ?, params::jsonb from unnest(?::text[]) t (params)
    """;
  }

  @Override
  public String single() {
    return "insert into task (type, params) values (?, ?::jsonb)";
  }

  @Override
  public Claims claims(Connection connection, int max) throws SQLException {
    return new OfConnection(connection, max);
  }

  private record Claimed(long id, String type, String params) {}

  private static final class OfConnection implements Claims {

    private final PreparedStatement claim;
    private final PreparedStatement move;
    private List<Claimed> claimed = List.of();
    private long mark;

    OfConnection(Connection connection, int max) throws SQLException {
      this.claim = connection.prepareStatement(CLAIM);
      this.move = connection.prepareStatement(MOVE);
      claim.setInt(2, max);
    }

    @Override
    public List<String> next() throws SQLException {
      claimed = behind(mark);
      if (claimed.isEmpty() && mark > 0) {
        claimed = behind(0);
      }
      mark = claimed.isEmpty() ? 0 : claimed.getLast().id();
      return claimed.stream().map(Claimed::params).toList();
    }

    private List<Claimed> behind(long id) throws SQLException {
      claim.setLong(1, id);
      List<Claimed> found = new ArrayList<>();
      try (ResultSet rows = claim.executeQuery()) {
        while (rows.next()) {
          found.add(new Claimed(rows.getLong(1), rows.getString(2), rows.getString(3)));
        }
      }
      return found;
    }

    @Override
    public void move() throws SQLException {
      move.setObject(1, claimed.stream().mapToLong(Claimed::id).toArray());
      move.setObject(2, claimed.stream().map(Claimed::type).toArray(String[]::new));
      move.setObject(3, claimed.stream().map(Claimed::params).toArray(String[]::new));
      move.executeUpdate();
    }

    @Override
    public void close() throws SQLException {
      claim.close();
      move.close();
    }
  }
}
