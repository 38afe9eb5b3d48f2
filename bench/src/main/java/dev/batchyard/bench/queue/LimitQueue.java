package dev.batchyard.bench.queue;

import dev.batchyard.store.server.DatabaseAddress;
import java.sql.Array;
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
  private static final String TYPE = "bench.nothing";
  private static final String CHANNEL = "bench_limit";

  private static final String BULK =
      """
      insert into task (type, params)
      select type, params::jsonb from unnest(?::text[], ?::text[]) t (type, params)
      """;

  private static final String SINGLE =
      """
      insert into task (type, params) values (?, ?::jsonb)
      """;

  private static final String CLAIM_TASKS =
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
    return "bare statements: unnest of %d a commit; claims of %d, deleted and moved to the history in one transaction, %d connections; %s"
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
    own.bulk.setArray(1, own.connection.createArrayOf("text", copies(TYPE, count)));
    own.bulk.setArray(2, own.connection.createArrayOf("text", copies(params(0), count)));
    own.bulk.executeUpdate();
    ring(own);
  }

  private static Object[] copies(String text, int count) {
    String[] copies = new String[count];
    Arrays.fill(copies, text);
    return copies;
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

  private record Claimed(long id, String type, String params) {}

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
      try (PreparedStatement claim = connection.prepareStatement(CLAIM_TASKS);
          PreparedStatement move = connection.prepareStatement(MOVE)) {
        connection.setAutoCommit(false);
        claim.setInt(2, CLAIM);
        long mark = 0;
        while (!stopped) {
          List<Claimed> claimed = claim(claim, mark);
          claimed.forEach(task -> started.accept(told(task.params())));
          if (!claimed.isEmpty()) {
            move(move, claimed);
          }
          connection.commit();
          if (claimed.isEmpty() && mark == 0) {
            await();
          }
          // 0 looks at everything again: for what was committed late
          mark = claimed.isEmpty() ? 0 : claimed.getLast().id();
        }
      } catch (SQLException e) {
        failed.set(e);
      }
    }

    private static List<Claimed> claim(PreparedStatement claim, long mark) throws SQLException {
      claim.setLong(1, mark);
      List<Claimed> claimed = new ArrayList<>(CLAIM);
      try (ResultSet rows = claim.executeQuery()) {
        while (rows.next()) {
          claimed.add(new Claimed(rows.getLong(1), rows.getString(2), rows.getString(3)));
        }
      }
      return claimed;
    }

    private void move(PreparedStatement move, List<Claimed> tasks) throws SQLException {
      move.setArray(1, array("bigint", tasks.stream().map(Claimed::id).toArray()));
      move.setArray(2, array("text", tasks.stream().map(Claimed::type).toArray()));
      move.setArray(3, array("text", tasks.stream().map(Claimed::params).toArray()));
      move.executeUpdate();
    }

    private Array array(String type, Object[] values) throws SQLException {
      return connection.createArrayOf(type, values);
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
