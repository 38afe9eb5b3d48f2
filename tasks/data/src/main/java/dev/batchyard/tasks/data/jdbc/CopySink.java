package dev.batchyard.tasks.data.jdbc;

import dev.batchyard.api.pipeline.Checkpoint;
import dev.batchyard.api.pipeline.Chunk;
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
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Copies chunks into a table of our own database. Each chunk is one transaction: its rows by COPY,
 * its rejects, the position behind it and the ledger; after a crash all of it is there or nothing.
 *
 * <p>Two connections take turns: the rows of a chunk are sent on one while those of the chunk
 * before are sent, or committed, on the other. Commits keep the order of the chunks. What a chunk
 * does not see of the one before makes PostgreSQL wait (a unique key) or refuses a row, which is
 * then judged again behind it. Where that does not do, {@link Before} says how far apart they must
 * be.
 *
 * <p>Rows that PostgreSQL refuses for their values become rejects: the chunk is rolled back and,
 * with all before it committed, sent again in pieces, until only the refused rows are left out.
 *
 * <p>Timestamps without a zone mean UTC wherever a column has one, on every node the same.
 */
public final class CopySink implements Sink<CopyRow> {

  /** How many connections a sink holds at most while it is open. */
  public static final int CONNECTIONS = 2;

  /** A chunk that takes longer may be waiting for the chunk after it, which has the same key. */
  private static final Duration PATIENCE = Duration.ofMillis(100);

  /**
   * A chunk's rows do not wait for longer than this for the commit before them: the server ends
   * transactions that idle, so that a frozen process holds no locks for ever.
   */
  private static final Duration IDLE_MAX = Duration.ofSeconds(1);

  /** What may come of two chunks under way: deadlock, lock timeout. Alone, it has another cause. */
  private static final Set<String> CLASHES = Set.of("40P01", "55P03");

  /** A chunk whose rows are sent, or are being sent, on a lane. */
  private static final class Sent {
    final CopyLane lane;
    final Chunk<CopyRow> chunk;
    final boolean create;
    Future<Long> copied;
    boolean takenBack;

    Sent(CopyLane lane, Chunk<CopyRow> chunk, boolean create) {
      this.lane = lane;
      this.chunk = chunk;
      this.create = create;
      this.copied = send();
    }

    private Future<Long> send() {
      return lane.submit(() -> lane.copy(chunk.items(), create));
    }

    void sendAgain() {
      copied = send();
      takenBack = false;
    }
  }

  private final DataSource database;
  private final CopyTarget target;
  private final CommitChunk checkpoint;
  private final Duration lockTimeout;
  private final List<CopyLane> lanes = new ArrayList<>(CONNECTIONS);
  private int turn;
  private Ledger ledger = Ledger.EMPTY;
  private boolean toBeCreated;

  /** For the next chunk. */
  private Before before = Before.NOTHING;

  private CopyFailures.@Nullable Place place;
  private @Nullable Sent last;
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
    int connections = target.before() == Before.COMMIT ? 1 : CONNECTIONS;
    while (lanes.size() < connections) {
      lanes.add(CopyLane.open(database, target, lockTimeout));
    }
    Connection first = lanes.getFirst().connection();
    Optional<Checkpoint> from = checkpoint.read(first);
    place = CopyFailures.Place.of(first, target.table());
    first.commit();
    ledger = from.map(Checkpoint::ledger).orElse(Ledger.EMPTY);
    toBeCreated = !target.createColumns().isEmpty();
    before = toBeCreated ? Before.COMMIT : target.before();
    return from;
  }

  @Override
  public Optional<Written> write(Chunk<CopyRow> chunk) throws Exception {
    CopyLane lane = lanes.get(turn);
    turn = (turn + 1) % lanes.size();
    Optional<Written> begun = Optional.empty();
    if (before != Before.NOTHING) {
      boolean committed = before == Before.COMMIT;
      begun = flush();
      if (committed) {
        await();
      }
    }
    Sent previous = last;
    Sent sent = new Sent(lane, chunk, toBeCreated);
    last = sent;
    toBeCreated = false;
    return previous == null ? begun : Optional.of(beginCommit(previous, sent));
  }

  @Override
  public Optional<Written> flush() throws Exception {
    Sent sent = last;
    last = null;
    return sent == null ? Optional.empty() : Optional.of(beginCommit(sent, null));
  }

  @Override
  public void await() throws Exception {
    Future<?> begun = commit;
    if (begun == null) {
      return;
    }
    try {
      resultOf(begun);
    } catch (SQLException e) {
      throw explained(e);
    }
    commit = null;
  }

  /** Commits a chunk behind those before it; the one after it gives way if it must. */
  private Written beginCommit(Sent sent, @Nullable Sent after) throws Exception {
    Chunk<CopyRow> chunk = sent.chunk;
    List<Reject> rejects = new ArrayList<>(chunk.rejects());
    long copied = copied(sent, after, rejects);
    while (commit != null && !done(commit, IDLE_MAX)) {
      takeBack(sent);
      if (after != null) {
        takeBack(after);
      }
      rejects = new ArrayList<>(chunk.rejects());
      copied = copied(sent, after, rejects); // waits for that commit
    }
    await();
    int refused = rejects.size() - chunk.rejects().size();
    boolean clash = refused > 0 || (after != null && after.takenBack);
    before = clash && target.before() == Before.NOTHING ? Before.ROWS : target.before();
    long leftOut = (long) chunk.items().size() - refused - copied; // by a trigger: returns null
    rejects.sort(Comparator.comparingLong(Reject::number));
    Ledger added = new Ledger(chunk.read(), copied, chunk.skipped() + leftOut, rejects.size());
    Written written = new Written(ledger.plus(added), rejects, chunk.fraction());
    commit =
        sent.lane.submit(() -> {
          checkpoint.commit(
              sent.lane.connection(), chunk.after(), added, written.rejects(), rewinds());
          return null;
        });
    ledger = written.ledger();
    return written;
  }

  /**
   * {@return how many rows of a chunk are in the table} Those that are refused join the rejects.
   */
  private long copied(Sent sent, @Nullable Sent after, List<Reject> rejects) throws Exception {
    if (sent.takenBack) {
      await();
      sent.sendAgain();
    }
    try {
      return copied(sent, after);
    } catch (SQLException e) {
      boolean others = after != null || commit != null;
      boolean clash = others && CLASHES.contains(String.valueOf(e.getSQLState()));
      if (!clash && !RefusedRow.isAboutValues(e)) {
        throw explained(e);
      }
    }
    try { // with all before it committed and none after it, its rows are judged for good
      takeBack(sent);
      if (after != null) {
        takeBack(after);
      }
      await();
      CopyLane lane = sent.lane;
      return resultOf(
          lane.submit(() -> lane.copyWithoutRefused(sent.chunk.items(), sent.create, rejects)));
    } catch (SQLException e) {
      throw explained(e);
    }
  }

  private long copied(Sent sent, @Nullable Sent after) throws Exception {
    while (after != null && !after.takenBack && !done(sent.copied, PATIENCE)) {
      if (after.copied.isDone()) {
        takeBack(after); // its rows may be what this one waits for
      }
    }
    return resultOf(sent.copied);
  }

  /** Waits until a chunk's rows are gone again, and with them what others wait for. */
  private void takeBack(Sent sent) throws Exception {
    resultOf(sent.lane.submit(sent.lane::takeBack));
    sent.takenBack = true;
  }

  private boolean done(Future<?> work, Duration most) throws InterruptedException {
    try {
      work.get(most.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      return true; // whoever asks for the result is told
    } catch (InterruptedException e) {
      throw aborted(e);
    }
  }

  private <V> V resultOf(Future<V> work) throws Exception {
    try {
      return work.get();
    } catch (InterruptedException e) {
      throw aborted(e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case Error cause -> throw cause;
        case Exception cause -> throw cause;
        case null, default -> throw e;
      }
    }
  }

  /** No interrupt reaches the threads of the lanes: they end with their connections. */
  private InterruptedException aborted(InterruptedException e) {
    lanes.forEach(CopyLane::abort);
    return e;
  }

  private Exception explained(SQLException e) {
    return place == null ? e : CopyFailures.explained(e, target.table(), place);
  }

  @Override
  public void close() throws SQLException {
    for (CopyLane lane : lanes) { // one may wait for what another holds
      var _ = lane.submit(lane::takeBack);
    }
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
