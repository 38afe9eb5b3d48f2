package dev.batchyard.tasks.data.jdbc;

import dev.batchyard.api.pipeline.Checkpoint;
import dev.batchyard.api.pipeline.Chunk;
import dev.batchyard.api.pipeline.Item;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.api.pipeline.Sink;
import dev.batchyard.tasks.pipeline.jdbc.CommitChunk;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyManager;

/**
 * Copies chunks into a table of our own database. Each chunk is one transaction: its rows by COPY,
 * its rejects, the position behind it and the ledger; after a crash all of it is there or nothing.
 *
 * <p>Rows that PostgreSQL refuses for their values become rejects: the chunk is rolled back and
 * sent again in pieces, each behind a savepoint, until only the refused rows are left out.
 *
 * <p>Timestamps without a zone mean UTC wherever a column has one, on every node the same.
 */
public final class CopySink implements Sink<CopyRow> {
  private static final String RESET = "reset lock_timeout; reset timezone; reset datestyle";
  private static final int BUFFER_BYTES = 256 * 1024;

  /** A buffer that one huge row has blown up is not kept. */
  private static final int BUFFER_KEPT_BYTES_MAX = 16 * 1024 * 1024;

  private final DataSource database;
  private final CopyTarget target;
  private final CommitChunk checkpoint;
  private final String session;
  private byte[] buffer = new byte[BUFFER_BYTES];
  private Ledger ledger = Ledger.EMPTY;
  private boolean toBeCreated;
  private @Nullable Connection connection;
  private CopyFailures.@Nullable Place place;

  /**
   * Makes a sink for one attempt.
   *
   * @param database whose connections may write to the target and call {@code commit_chunk}
   * @param target where rows go
   * @param checkpoint of the task
   * @param lockTimeout how long to wait for a lock that another session holds
   */
  public CopySink(
      DataSource database, CopyTarget target, CommitChunk checkpoint, Duration lockTimeout) {
    this.database = database;
    this.target = target;
    this.checkpoint = checkpoint;
    this.session =
        "set lock_timeout = %d; set timezone = 'UTC'; set datestyle = 'ISO, MDY'"
            .formatted(lockTimeout.toMillis());
  }

  @Override
  public Optional<Checkpoint> open() throws SQLException {
    Connection opened = database.getConnection();
    connection = opened;
    opened.setAutoCommit(false);
    execute(opened, session); // holds for every chunk: three statements less in each
    Optional<Checkpoint> last = checkpoint.read(opened);
    place = CopyFailures.Place.of(opened, target.table());
    opened.commit();
    ledger = last.map(Checkpoint::ledger).orElse(Ledger.EMPTY);
    toBeCreated = !target.createColumns().isEmpty();
    return last;
  }

  @Override
  public Written write(Chunk<CopyRow> chunk) throws Exception {
    Connection opened = required(connection);
    try {
      List<Reject> rejects = new ArrayList<>(chunk.rejects());
      long copied = copyAll(opened, chunk.items(), rejects);
      int refused = rejects.size() - chunk.rejects().size();
      long leftOut =
          (long) chunk.items().size() - refused - copied; // by a trigger that returns null
      rejects.sort(Comparator.comparingLong(Reject::number));
      Ledger added = new Ledger(chunk.read(), copied, chunk.skipped() + leftOut, rejects.size());
      checkpoint.commit(opened, chunk.after(), added, rejects);
      toBeCreated = false;
      ledger = ledger.plus(added);
      return new Written(ledger, rejects);
    } catch (SQLException e) {
      throw CopyFailures.explained(e, target.table(), required(place));
    }
  }

  private long copyAll(Connection opened, List<Item<CopyRow>> items, List<Reject> rejects)
      throws SQLException {
    begin(opened);
    if (items.isEmpty()) {
      return 0;
    }
    try {
      return copy(opened, items);
    } catch (SQLException e) {
      if (!RefusedRow.isAboutValues(e)) {
        throw e;
      }
      opened.rollback();
      begin(opened);
      return copyWithoutRefused(opened, items, rejects);
    }
  }

  /** What must come before the rows in their transaction; the driver begins it by itself. */
  private void begin(Connection opened) throws SQLException {
    if (target.deferrable()) {
      execute(opened, "set constraints all immediate");
    }
    if (toBeCreated) {
      execute(opened, target.createSql());
    }
  }

  private static void execute(Connection opened, String sql) throws SQLException {
    try (Statement statement = opened.createStatement()) {
      statement.execute(sql);
    }
  }

  private long copyWithoutRefused(Connection opened, List<Item<CopyRow>> all, List<Reject> rejects)
      throws SQLException {
    long copied = 0;
    Deque<List<Item<CopyRow>>> pieces = new ArrayDeque<>();
    pieces.push(all);
    while (!pieces.isEmpty()) {
      List<Item<CopyRow>> piece = pieces.pop();
      Savepoint before = opened.setSavepoint();
      try {
        copied += copy(opened, piece);
        opened.releaseSavepoint(before);
      } catch (SQLException e) {
        if (!RefusedRow.isAboutValues(e)) {
          throw e;
        }
        opened.rollback(before);
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

  private long copy(Connection opened, List<Item<CopyRow>> items) throws SQLException {
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
    CopyManager copies = opened.unwrap(PGConnection.class).getCopyAPI();
    CopyIn copy = copies.copyIn(target.copySql());
    try {
      copy.writeToCopy(buffer, 0, at);
      return copy.endCopy();
    } finally {
      if (copy.isActive()) {
        copy.cancelCopy();
      }
      if (buffer.length > BUFFER_KEPT_BYTES_MAX) {
        buffer = new byte[BUFFER_BYTES];
      }
    }
  }

  private static <V> V required(@Nullable V value) {
    if (value == null) {
      throw new IllegalStateException("not open");
    }
    return value;
  }

  @Override
  public void close() throws SQLException {
    Connection opened = connection;
    connection = null;
    if (opened == null) {
      return;
    }
    try (opened) {
      if (!opened.isClosed()) {
        opened.rollback();
        opened.setAutoCommit(true);
        execute(opened, RESET); // it goes back to the pool
      }
    }
  }
}
