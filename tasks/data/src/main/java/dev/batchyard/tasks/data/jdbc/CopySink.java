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
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Copies chunks into a table of our own database. Each chunk is one transaction: its rows by COPY,
 * its rejects, the position behind it and the ledger; after a crash all of it is there or nothing.
 *
 * <p>Two connections take turns: while a chunk is being committed on one, the rows of the next are
 * sent on the other, and committed only after it. So a chunk sees the rows before it only in what
 * makes PostgreSQL wait for them, such as a unique key. A {@linkplain CopyTarget#dependent
 * dependent} table gets its chunks strictly one after the other.
 *
 * <p>Rows that PostgreSQL refuses for their values become rejects: the chunk is rolled back and,
 * with all before it committed, sent again in pieces, until only the refused rows are left out.
 *
 * <p>Timestamps without a zone mean UTC wherever a column has one, on every node the same.
 */
public final class CopySink implements Sink<CopyRow> {

  /** How many connections a sink holds while it is open. */
  public static final int CONNECTIONS = 2;

  private final DataSource database;
  private final CopyTarget target;
  private final CommitChunk checkpoint;
  private final Duration lockTimeout;
  private final List<CopyLane> lanes = new ArrayList<>(CONNECTIONS);
  private final ExecutorService committer =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("commit").factory());
  private int turn;
  private Ledger ledger = Ledger.EMPTY;
  private boolean toBeCreated;
  private CopyFailures.@Nullable Place place;
  private @Nullable Future<?> commit;

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
    this.lockTimeout = lockTimeout;
  }

  @Override
  public Optional<Checkpoint> open() throws SQLException {
    while (lanes.size() < CONNECTIONS) {
      lanes.add(CopyLane.open(database, target, lockTimeout));
    }
    Connection first = lanes.getFirst().connection();
    Optional<Checkpoint> last = checkpoint.read(first);
    place = CopyFailures.Place.of(first, target.table());
    first.commit();
    ledger = last.map(Checkpoint::ledger).orElse(Ledger.EMPTY);
    toBeCreated = !target.createColumns().isEmpty();
    return last;
  }

  @Override
  public Written write(Chunk<CopyRow> chunk) throws Exception {
    CopyLane lane = lanes.get(turn);
    turn = (turn + 1) % lanes.size();
    List<Reject> rejects = new ArrayList<>(chunk.rejects());
    long copied = copy(lane, chunk.items(), rejects);
    int refused = rejects.size() - chunk.rejects().size();
    long leftOut = (long) chunk.items().size() - refused - copied; // by a trigger: returns null
    rejects.sort(Comparator.comparingLong(Reject::number));
    Ledger added = new Ledger(chunk.read(), copied, chunk.skipped() + leftOut, rejects.size());
    awaitCommit();
    boolean alone = toBeCreated || target.dependent();
    commit =
        committer.submit(() -> {
          checkpoint.commit(lane.connection(), chunk.after(), added, rejects);
          if (!alone) {
            lane.startAhead();
          }
          return null;
        });
    ledger = ledger.plus(added);
    if (alone) {
      awaitCommit();
      toBeCreated = false;
    }
    return new Written(ledger, rejects);
  }

  private long copy(CopyLane lane, List<Item<CopyRow>> items, List<Reject> rejects)
      throws Exception {
    try {
      return lane.copy(items, toBeCreated);
    } catch (SQLException e) {
      if (!RefusedRow.isAboutValues(e)) {
        throw explained(e);
      }
    }
    awaitCommit(); // what a row misses may be in the chunk that is being committed
    try {
      return lane.copyWithoutRefused(items, toBeCreated, rejects);
    } catch (SQLException e) {
      throw explained(e);
    }
  }

  @Override
  public void settle() throws Exception {
    awaitCommit();
    for (CopyLane lane : lanes) {
      lane.rest();
    }
  }

  private void awaitCommit() throws Exception {
    Future<?> last = commit;
    if (last == null) {
      return;
    }
    try {
      last.get();
      commit = null;
    } catch (ExecutionException e) {
      commit = null;
      switch (e.getCause()) {
        case SQLException cause -> throw explained(cause);
        case Exception cause -> throw cause;
        case null, default -> throw e;
      }
    }
  }

  private Exception explained(SQLException e) {
    return place == null ? e : CopyFailures.explained(e, target.table(), place);
  }

  @Override
  public void close() throws Exception {
    committer.close(); // waits for the commit under way, if there is one
    closeAll(lanes);
    lanes.clear();
  }

  /** Closes all, whatever happens to one. */
  private static void closeAll(List<CopyLane> lanes) throws SQLException {
    if (!lanes.isEmpty()) {
      try (CopyLane _ = lanes.getFirst()) {
        closeAll(lanes.subList(1, lanes.size()));
      }
    }
  }
}
