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
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One of the connections of a sink, with the rows of at most one chunk in its open transaction, and
 * the thread that works on it. It is a platform thread: JDBC on a virtual one costs two more
 * changes of threads in each round trip.
 */
final class CopyLane implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CopyLane.class);
  private static final String RESET = "reset lock_timeout; reset timezone; reset datestyle";
  private static final int BUFFER_BYTES = 256 * 1024;

  /** A buffer that one huge row has blown up is not kept. */
  private static final int BUFFER_KEPT_BYTES_MAX = 16 * 1024 * 1024;

  private final Connection connection;
  private final CopyTarget target;
  private final ExecutorService thread;
  private byte[] buffer = new byte[BUFFER_BYTES];

  private CopyLane(Connection connection, CopyTarget target) {
    this.connection = connection;
    this.target = target;
    this.thread =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("copy to " + target.table()).factory());
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
    } catch (SQLException | RuntimeException e) {
      try (lane) {
        throw e;
      }
    }
  }

  /** {@return the connection, with the rows in its open transaction; for work of this lane} */
  Connection connection() {
    return connection;
  }

  /**
   * {@return what work on this lane gives} It begins when all that was submitted before is done.
   */
  <V> Future<V> submit(Callable<V> work) {
    return thread.submit(work);
  }

  /**
   * Sends the rows of a chunk, none of which the server may refuse.
   *
   * @param create whether the table is to be made before them, in their transaction
   * @return how many rows are in the table; fewer if a trigger left some out
   */
  long copy(List<Item<CopyRow>> items, boolean create) throws SQLException {
    begin(create);
    return items.isEmpty() ? 0 : send(items);
  }

  /** Ends the work at hand at once, with an error, and the connection with it. */
  void abort() {
    try {
      connection.abort(Runnable::run);
    } catch (SQLException e) {
      LOG.debug("a connection could not be aborted", e); // then it is broken already
    }
  }

  /** Undoes all since the last commit. */
  @Nullable Void takeBack() throws SQLException {
    connection.rollback();
    return null;
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
        copied += send(piece);
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

  private long send(List<Item<CopyRow>> items) throws SQLException {
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
    CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI().copyIn(target.copySql());
    try {
      copy.writeToCopy(buffer, 0, at);
      return copy.endCopy();
    } finally {
      if (copy.isActive()) {
        copy.cancelCopy(); // the driver lets nothing else pass while one is open
      }
      if (buffer.length > BUFFER_KEPT_BYTES_MAX) {
        buffer = new byte[BUFFER_BYTES];
      }
    }
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /**
   * Waits for the work at hand, undoes what is not committed, gives the connection back. Whoever is
   * interrupted does not wait: the connection is aborted.
   */
  @Override
  public void close() throws SQLException {
    thread.shutdown();
    boolean interrupted = false;
    boolean ended = false;
    while (!ended) {
      try {
        ended = thread.awaitTermination(1, TimeUnit.DAYS);
      } catch (InterruptedException e) {
        interrupted = true;
        abort();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    try (connection) {
      if (!connection.isClosed()) {
        connection.rollback();
        connection.setAutoCommit(true);
        execute(RESET);
      }
    }
  }
}
