package dev.batchyard.tasks.data.jdbc;

import dev.batchyard.api.pipeline.Item;
import dev.batchyard.api.pipeline.Reject;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * One of the connections of a sink, with the rows of at most one chunk in its open transaction.
 * Used by one thread at a time.
 */
final class CopyLane implements AutoCloseable {
  private static final String RESET = "reset lock_timeout; reset timezone; reset datestyle";
  private static final int BUFFER_BYTES = 256 * 1024;

  /** A buffer that one huge row has blown up is not kept. */
  private static final int BUFFER_KEPT_BYTES_MAX = 16 * 1024 * 1024;

  private final Connection connection;
  private final CopyTarget target;
  private @Nullable CopyIn ahead;
  private byte[] buffer = new byte[BUFFER_BYTES];

  private CopyLane(Connection connection, CopyTarget target) {
    this.connection = connection;
    this.target = target;
  }

  /**
   * {@return a lane over a connection of the pool, which gets it back by {@link #close}}
   *
   * @param lockTimeout how long to wait for a lock that another session holds
   */
  static CopyLane open(DataSource database, CopyTarget target, Duration lockTimeout)
      throws SQLException {
    CopyLane lane = new CopyLane(database.getConnection(), target);
    try {
      lane.connection.setAutoCommit(false);
      lane.execute( // holds for every chunk: three statements less in each
          "set lock_timeout = %d; set timezone = 'UTC'; set datestyle = 'ISO, MDY'"
              .formatted(lockTimeout.toMillis()));
      lane.connection.commit();
      return lane;
    } catch (SQLException e) {
      try (lane) {
        throw e;
      }
    }
  }

  /** {@return the connection, with the rows in its open transaction} */
  Connection connection() {
    return connection;
  }

  /**
   * Begins the transaction and the COPY of the next chunk, two round trips for which that chunk
   * then need not wait. A failure is left for {@link #copy} to meet.
   */
  void startAhead() throws SQLException {
    try {
      begin(false);
      ahead = startCopy();
    } catch (SQLException e) {
      connection.rollback();
    }
  }

  /**
   * Ends what {@link #startAhead} began, so that no lock is held while there is nothing to send.
   */
  void rest() throws SQLException {
    CopyIn started = ahead;
    ahead = null;
    if (started != null) {
      try {
        started.endCopy();
      } finally {
        unlock(started);
      }
      connection.rollback();
    }
  }

  /**
   * Sends the rows of a chunk, none of which the server may refuse.
   *
   * @param create whether the table is to be made before them, in their transaction
   * @return how many rows are in the table; fewer if a trigger left some out
   */
  long copy(List<Item<CopyRow>> items, boolean create) throws SQLException {
    CopyIn started = ahead;
    ahead = null;
    if (started == null) {
      begin(create);
      return items.isEmpty() ? 0 : send(items, startCopy());
    }
    return send(items, started);
  }

  /**
   * Takes back what was sent and sends the rows again in pieces, each behind a savepoint, until
   * only those are left out that the server refuses for their values.
   *
   * @param rejects where the refused ones go
   * @return how many rows are in the table
   */
  long copyWithoutRefused(List<Item<CopyRow>> items, boolean create, List<Reject> rejects)
      throws SQLException {
    connection.rollback();
    begin(create);
    long copied = 0;
    Deque<List<Item<CopyRow>>> pieces = new ArrayDeque<>();
    pieces.push(items);
    while (!pieces.isEmpty()) {
      List<Item<CopyRow>> piece = pieces.pop();
      Savepoint before = connection.setSavepoint();
      try {
        copied += send(piece, startCopy());
        connection.releaseSavepoint(before);
      } catch (SQLException e) {
        if (!RefusedRow.isAboutValues(e)) {
          throw e;
        }
        connection.rollback(before);
        RefusedRow refused = RefusedRow.of(e);
        if (piece.size() == 1) {
          Item<CopyRow> item = piece.getFirst();
          rejects.add(
              new Reject(item.number(), refused.column(), refused.reason(), item.raw().get()));
        } else {
          split(piece, refused.line(), pieces);
        }
      }
    }
    return copied;
  }

  /** What must come before the rows in their transaction; the driver begins it by itself. */
  private void begin(boolean create) throws SQLException {
    if (target.deferrable()) {
      execute("set constraints all immediate");
    }
    if (create) {
      execute(target.createSql());
    }
  }

  /** Splits around the line that the server named, else in the middle; the first piece is next. */
  private static void split(
      List<Item<CopyRow>> piece, int line, Deque<List<Item<CopyRow>>> pieces) {
    boolean named = line >= 1 && line <= piece.size();
    int from = named ? line - 1 : piece.size() / 2;
    int to = named ? line : from;
    if (to < piece.size()) {
      pieces.push(piece.subList(to, piece.size()));
    }
    if (from < to) {
      pieces.push(piece.subList(from, to));
    }
    if (from > 0) {
      pieces.push(piece.subList(0, from));
    }
  }

  private CopyIn startCopy() throws SQLException {
    return connection.unwrap(PGConnection.class).getCopyAPI().copyIn(target.copySql());
  }

  private long send(List<Item<CopyRow>> items, CopyIn copy) throws SQLException {
    int length = 0;
    for (Item<CopyRow> item : items) {
      length += item.value().line().length;
    }
    if (length > buffer.length) {
      buffer = new byte[length];
    }
    int at = 0;
    for (Item<CopyRow> item : items) {
      byte[] line = item.value().line();
      System.arraycopy(line, 0, buffer, at, line.length);
      at += line.length;
    }
    try {
      copy.writeToCopy(buffer, 0, at);
      return copy.endCopy();
    } finally {
      unlock(copy);
      if (buffer.length > BUFFER_KEPT_BYTES_MAX) {
        buffer = new byte[BUFFER_BYTES];
      }
    }
  }

  /** A COPY that failed half-way must be over: the driver lets nothing else pass meanwhile. */
  private static void unlock(CopyIn copy) throws SQLException {
    if (copy.isActive()) {
      copy.cancelCopy();
    }
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Undoes what is not committed and gives the connection back. */
  @Override
  public void close() throws SQLException {
    try (connection) {
      if (!connection.isClosed()) {
        rest();
        connection.rollback();
        connection.setAutoCommit(true);
        execute(RESET);
      }
    }
  }
}
