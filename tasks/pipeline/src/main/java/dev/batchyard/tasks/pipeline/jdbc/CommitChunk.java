package dev.batchyard.tasks.pipeline.jdbc;

import dev.batchyard.api.LeaseLost;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.pipeline.Checkpoint;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Position;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.api.pipeline.Sink;
import dev.batchyard.tasks.pipeline.JsonText;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * The checkpoint and ledger of a task in our own database, moved on the sink's connection and in
 * the sink's transaction, so that rows, position and counts are committed together or not at all.
 */
public final class CommitChunk {

  /** The SQLSTATE with which the database says that the lease is lost. */
  private static final String LEASE_LOST = "BY001";

  private static final String READ =
      """
      select position, read, written, skipped, rejected
        from batchyard.read_checkpoint(?, ?, ?)
      """;

  private static final String COMMIT =
      """
      select batchyard.commit_chunk(?, ?, ?, ?, ?::jsonb, ?, ?, ?, ?, ?::jsonb, ?);
      commit
      """;

  private final LeaseToken lease;
  private final int generation;
  private final int shard;

  /**
   * For one attempt.
   *
   * @param lease its right to write
   * @param generation of the task; its rejects are kept under it
   * @param shard the part of the source, 0 if it is not split
   */
  public CommitChunk(LeaseToken lease, int generation, int shard) {
    this.lease = lease;
    this.generation = generation;
    this.shard = shard;
  }

  /**
   * {@return the last committed checkpoint, read on a connection of its own}
   *
   * @throws LeaseLost if the task is no longer ours
   */
  public Optional<Checkpoint> read(DataSource database) throws SQLException {
    try (Connection connection = database.getConnection()) {
      return read(connection);
    }
  }

  /**
   * {@return the last committed checkpoint; empty if nothing was committed yet}
   *
   * @throws LeaseLost if the task is no longer ours
   */
  public Optional<Checkpoint> read(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(READ)) {
      statement.setLong(1, lease.task());
      statement.setObject(2, lease.token());
      statement.setInt(3, shard);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        Position position = new Position(row.getString("position"));
        return Optional.of(
            new Checkpoint(
                position,
                new Ledger(
                    row.getLong("read"),
                    row.getLong("written"),
                    row.getLong("skipped"),
                    row.getLong("rejected"))));
      }
    } catch (SQLException e) {
      throw orLeaseLost(e);
    }
  }

  /**
   * Moves the position, adds to the ledger, keeps the rejects and commits the open transaction, in
   * one round trip. When it throws, the transaction is rolled back or its fate is unknown; {@link
   * #read} of the next attempt tells which.
   *
   * @param connection with auto-commit off and the items already sent in its transaction
   * @param after where the source goes on
   * @param added what this chunk adds to the ledger
   * @param rejects of this chunk
   * @param rewinds what the sink says by {@link Sink#rewinds()}
   * @throws LeaseLost if the task is no longer ours; nothing was written
   */
  public void commit(
      Connection connection, Position after, Ledger added, List<Reject> rejects, boolean rewinds)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(COMMIT)) {
      statement.setLong(1, lease.task());
      statement.setObject(2, lease.token());
      statement.setInt(3, shard);
      statement.setInt(4, generation);
      statement.setString(5, after.json());
      statement.setLong(6, added.read());
      statement.setLong(7, added.written());
      statement.setLong(8, added.skipped());
      statement.setLong(9, added.rejected());
      if (rejects.isEmpty()) {
        statement.setNull(10, Types.VARCHAR);
      } else {
        statement.setString(10, json(rejects));
      }
      statement.setBoolean(11, rewinds);
      statement.execute();
    } catch (SQLException e) {
      throw orLeaseLost(e);
    }
  }

  private SQLException orLeaseLost(SQLException e) {
    if (LEASE_LOST.equals(e.getSQLState())) {
      throw new LeaseLost(lease.task(), e);
    }
    return e;
  }

  private static String json(List<Reject> rejects) {
    StringBuilder json = new StringBuilder("[");
    for (Reject reject : rejects) {
      json.append(json.length() == 1 ? "" : ",").append("{\"number\":").append(reject.number());
      json.append(",\"column\":");
      JsonText.append(json, reject.column());
      json.append(",\"reason\":");
      JsonText.append(json, reject.reason());
      json.append(",\"raw\":");
      JsonText.append(json, reject.raw());
      json.append('}');
    }
    return json.append(']').toString();
  }
}
