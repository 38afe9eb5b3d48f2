package dev.batchyard.bench.queue;

import dev.batchyard.store.server.DatabaseAddress;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
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
 * What the server gives to the operations of a queue and to nothing else: a narrow row with its
 * parameters and one index, bulk inserts by {@code unnest}, claims of 500 that move to the history
 * in the same statement behind a low-water mark, two connections, everything prepared. No fencing,
 * no retries, no results: no queue can be had for less.
 */
public final class LimitQueue implements QueueSystem {

  private static final int WORKERS = 2;
  private static final int CLAIM = 500;
  private static final int LOOK_AGAIN_MS = 20;
  private static final long RING_APART_NS = TimeUnit.MILLISECONDS.toNanos(4);
  private static final int PARAMS_BEFORE = "{\"n\": ".length();
  private static final String CHANNEL = "bench_limit";

  private static final String BULK =
      """
      insert into task (due_at, params) select now(), p::jsonb from unnest(?::text[]) p
      """;

  private static final String SINGLE =
      """
      insert into task (due_at, params) values (now(), ?::jsonb)
      """;

  private static final String CLAIM_AND_MOVE =
      """
      with taken as (
        delete from task
         where id = any (array(
           select id from task
            where id > ? and due_at <= now()
            order by id
            limit ?
              for update skip locked))
        returning id, params),
      moved as (
        insert into history (id, params, ended_at) select id, params, now() from taken)
      select id, params from taken
      """;

  private final DatabaseAddress database;
  private final boolean rings;
  private final Map<Thread, Submitting> submitting = new ConcurrentHashMap<>();
  private final AtomicLong rangAtNs = new AtomicLong(System.nanoTime() - RING_APART_NS);

  /**
   * Over a database.
   *
   * @param rings whether a submit wakes the workers, by a statement of its own and at most every 4
   *     ms
   */
  public LimitQueue(DatabaseAddress database, boolean rings) {
    this.database = database;
    this.rings = rings;
  }

  @Override
  public String name() {
    return "limit";
  }

  @Override
  public String settings() {
    return "bare statements: unnest of %d a commit; claims of %d moved to the history, %d connections; %s"
        .formatted(
            SUBMIT_MAX,
            CLAIM,
            WORKERS,
            rings ? "NOTIFY in a statement of its own, LISTEN read from the socket" : "no NOTIFY");
  }

  @Override
  public void create() throws SQLException {
    execute(
        "drop table if exists task, history",
        """
        create table task (
          id     bigint      generated always as identity primary key,
          due_at timestamptz not null,
          params jsonb       not null)
          with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                vacuum_truncate = false)
        """,
        """
        create table history (
          id       bigint      not null,
          params   jsonb       not null,
          ended_at timestamptz not null)
        """);
  }

  private void execute(String... statements) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
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
    own.bulk.setArray(1, own.connection.createArrayOf("text", zeros(count)));
    own.bulk.executeUpdate();
    ring(own);
  }

  private static Object[] zeros(int count) {
    String[] zeros = new String[count];
    Arrays.fill(zeros, params(0));
    return zeros;
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
    own.single.setString(1, params(n));
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
      own = new Submitting(connect());
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

    Submitting(Connection connection) throws SQLException {
      this.connection = connection;
      this.bulk = connection.prepareStatement(BULK);
      this.single = connection.prepareStatement(SINGLE);
      this.ring = connection.prepareStatement("notify " + CHANNEL);
    }
  }

  @Override
  public AutoCloseable work(LongConsumer started) throws SQLException {
    List<Worker> workers = new ArrayList<>();
    for (int i = 0; i < WORKERS; i++) {
      Worker worker = new Worker(connect(), i == 0 ? listening() : null, started);
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

    private final Connection connection;
    private final @Nullable Connection bell;
    private final LongConsumer started;
    private final Thread thread = Thread.ofPlatform().name("limit").unstarted(this::run);
    private final AtomicReference<@Nullable SQLException> failed = new AtomicReference<>();
    private volatile boolean stopped;

    Worker(Connection connection, @Nullable Connection bell, LongConsumer started) {
      this.connection = connection;
      this.bell = bell;
      this.started = started;
    }

    private void run() {
      try (PreparedStatement claim = connection.prepareStatement(CLAIM_AND_MOVE)) {
        claim.setInt(2, CLAIM);
        long mark = 0;
        while (!stopped) {
          long last = claim(claim, mark);
          if (last == 0 && mark == 0) {
            await();
          }
          mark = last; // 0 looks at everything again: for what was committed late
        }
      } catch (SQLException e) {
        failed.set(e);
      }
    }

    /** {@return the last id claimed, 0 for none} */
    private long claim(PreparedStatement claim, long mark) throws SQLException {
      claim.setLong(1, mark);
      long last = 0;
      try (ResultSet rows = claim.executeQuery()) {
        while (rows.next()) {
          last = Math.max(last, rows.getLong(1));
          started.accept(told(rows.getString(2)));
        }
      }
      return last;
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
