package dev.batchyard.bench.queue;

import dev.batchyard.store.server.DatabaseAddress;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * What the server gives to the operations of a queue and to nothing else: one row for a task and
 * one index, bulk inserts by {@code unnest}, claims of 500 that are deleted behind a low-water mark
 * and moved to the history in one transaction, two connections, everything prepared. No fencing, no
 * retries, nothing but order: no queue that keeps such a row can be had for less.
 */
public final class LimitQueue implements QueueSystem {

  private static final int WORKERS = 2;
  private static final int CLAIM = 500;
  private static final int LOOK_AGAIN_MS = 20;
  private static final long RING_APART_NS = TimeUnit.MILLISECONDS.toNanos(4);
  private static final int PARAMS_BEFORE = "{\"n\": ".length();
  private static final String TYPE = "bench.nothing";
  private static final String CHANNEL = "bench_limit";

  private final String name;
  private final LimitRow row;
  private final DatabaseAddress database;
  private final boolean rings;
  private final Map<Thread, Submitting> submitting = new ConcurrentHashMap<>();
  private final AtomicLong rangAtNs = new AtomicLong(System.nanoTime() - RING_APART_NS);

  private LimitQueue(String name, LimitRow row, DatabaseAddress database, boolean rings) {
    this.name = name;
    this.row = row;
    this.database = database;
    this.rings = rings;
  }

  /** {@return the limit: a row holds what any queue must keep of a task} */
  public static LimitQueue limit(DatabaseAddress database) {
    return new LimitQueue(QueueSystems.LIMIT, new TaskRow(), database, false);
  }

  /**
   * {@return the same, whose submits wake the workers, by a statement of its own and at most every
   * 4 ms}
   */
  public static LimitQueue ringing(DatabaseAddress database) {
    return new LimitQueue(QueueSystems.LIMIT, new TaskRow(), database, true);
  }

  /** {@return the same with a row of three columns, in which no queue can be kept} */
  public static LimitQueue bare(DatabaseAddress database) {
    return new LimitQueue(QueueSystems.LIMIT_BARE, new BareRow(), database, false);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String settings() {
    return "bare statements over (%s): unnest of %d a commit; claims of %d, deleted and moved to the history in one transaction, %d connections; %s"
        .formatted(
            row.says(),
            SUBMIT_MAX,
            CLAIM,
            WORKERS,
            rings ? "NOTIFY in a statement of its own, LISTEN read from the socket" : "no NOTIFY");
  }

  @Override
  public void create() throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute("drop table if exists task, history");
      for (String sql : row.tables()) {
        statement.execute(sql);
      }
    }
  }

  private Connection connect() throws SQLException {
    return Sources.connect(database, "-c enable_seqscan=off");
  }

  @Override
  public void submit(int count) throws SQLException {
    Submitting own = own();
    String[] params = new String[count];
    Arrays.fill(params, params(0));
    own.bulk.setString(1, TYPE);
    own.bulk.setObject(2, params);
    own.bulk.executeUpdate();
    ring(own);
  }

  private static String params(long n) {
    return "{\"n\": " + n + "}";
  }

  /** As PostgreSQL writes what {@link #params} gave. */
  private static long told(String params) {
    return Long.parseLong(params, PARAMS_BEFORE, params.length() - 1, 10);
  }

  @Override
  public void submitOne(long n) throws SQLException {
    Submitting own = own();
    own.single.setString(1, TYPE);
    own.single.setString(2, params(n));
    own.single.executeUpdate();
    ring(own);
  }

  private void ring(Submitting own) throws SQLException {
    if (!rings) {
      return;
    }
    long last = rangAtNs.get();
    long now = System.nanoTime();
    if (now - last >= RING_APART_NS && rangAtNs.compareAndSet(last, now)) {
      own.ring.execute();
    }
  }

  private Submitting own() throws SQLException {
    Submitting own = submitting.get(Thread.currentThread());
    if (own == null) {
      own = new Submitting(connect(), row);
      submitting.put(Thread.currentThread(), own);
    }
    return own;
  }

  /** The connection of one submitting thread. */
  private static final class Submitting {

    private final Connection connection;
    private final PreparedStatement bulk;
    private final PreparedStatement single;
    private final PreparedStatement ring;

    Submitting(Connection connection, LimitRow row) throws SQLException {
      this.connection = connection;
      this.bulk = connection.prepareStatement(row.bulk());
      this.single = connection.prepareStatement(row.single());
      this.ring = connection.prepareStatement("notify " + CHANNEL);
    }
  }

  @Override
  public AutoCloseable work(LongConsumer started) throws SQLException {
    List<Worker> workers = new ArrayList<>();
    for (int i = 0; i < WORKERS; i++) {
      Worker worker = new Worker(row, connect(), i == 0 ? listening() : null, started);
      workers.add(worker);
      worker.thread.start();
    }
    return () -> {
      for (Worker worker : workers) {
        worker.close();
      }
    };
  }

  private Connection listening() throws SQLException {
    Connection connection = connect();
    try (Statement statement = connection.createStatement()) {
      statement.execute("listen " + CHANNEL);
    }
    return connection;
  }

  /** Claims until nothing is there; then one waits for the bell, the others look now and then. */
  private static final class Worker implements AutoCloseable {

    private final LimitRow row;
    private final Connection connection;
    private final @Nullable Connection bell;
    private final LongConsumer started;
    private final Thread thread = Thread.ofPlatform().name("limit").unstarted(this::run);
    private final AtomicReference<@Nullable SQLException> failed = new AtomicReference<>();
    private volatile boolean stopped;

    Worker(LimitRow row, Connection connection, @Nullable Connection bell, LongConsumer started) {
      this.row = row;
      this.connection = connection;
      this.bell = bell;
      this.started = started;
    }

    private void run() {
      try {
        connection.setAutoCommit(false);
        try (LimitRow.Claims claims = row.claims(connection, CLAIM)) {
          while (!stopped) {
            work(claims);
          }
        }
      } catch (SQLException e) {
        failed.set(e);
      }
    }

    private void work(LimitRow.Claims claims) throws SQLException {
      List<String> claimed = claims.next();
      claimed.forEach(params -> started.accept(told(params)));
      if (!claimed.isEmpty()) {
        claims.move();
      }
      connection.commit();
      if (claimed.isEmpty()) {
        await();
      }
    }

    private void await() throws SQLException {
      if (bell == null) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LOOK_AGAIN_MS));
      } else {
        var _ = bell.unwrap(PGConnection.class).getNotifications(LOOK_AGAIN_MS);
      }
    }

    @Override
    public void close() throws InterruptedException, SQLException {
      stopped = true;
      thread.join();
      connection.close();
      if (bell != null) {
        bell.close();
      }
      SQLException why = failed.get();
      if (why != null) {
        throw why;
      }
    }
  }

  @Override
  public long ended() throws SQLException {
    return Sources.number(database, "select count(*) from history");
  }

  @Override
  public void close() throws SQLException {
    for (Submitting own : submitting.values()) {
      own.connection.close();
    }
    submitting.clear();
  }
}
