package dev.batchyard.store.server;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The connections of one process: a small pool for queue traffic, one for handlers, and single
 * connections for sessions. Each carries the boot's id in its application name, so that the
 * connections of a fenced boot can be ended. Thread-safe.
 */
public final class Database implements AutoCloseable {

  /** Before the boot's id in {@code application_name}. */
  public static final String APPLICATION = "batchyard ";

  /** Where our own tables lie. */
  static final String SCHEMA = "batchyard";

  private static final int QUEUE_POOL = 4;
  private static final int QUEUE_TIMEOUT_S = 30;
  private static final int SESSION_TIMEOUT_S = 10;
  private static final int CONNECT_TIMEOUT_S = 5;
  private static final long POOL_WAIT_MS = 10_000;

  /** Shorter than a lease: a process that freezes inside a transaction must not outlast its own. */
  private static final String IDLE_IN_TRANSACTION = "9s";

  /**
   * Our statements wait for rows and look again at what they find then. A default of the server,
   * database or role that is stricter would make them fail instead.
   */
  private static final String READ_COMMITTED = "-c default_transaction_isolation=read\\ committed";

  private final DatabaseAddress address;
  private final PGSimpleDataSource queueSource;
  private final PGSimpleDataSource handlerSource;
  private final PGSimpleDataSource sessionSource;
  private final PGSimpleDataSource patientSource;
  private final HikariDataSource queue;
  private final HikariDataSource handlers;
  private final DataSource handed;

  /**
   * Prepares the pools; connects at first use.
   *
   * @param handlerPool the most connections that handlers hold at once
   */
  public Database(DatabaseAddress address, UUID boot, int handlerPool) {
    this.address = address;
    queueSource =
        source(
            QUEUE_TIMEOUT_S,
            SCHEMA,
            " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"
                + " -c plan_cache_mode=force_generic_plan");
    queueSource.setPrepareThreshold(1);
    handlerSource = source(0, "public", "");
    sessionSource = source(SESSION_TIMEOUT_S, SCHEMA, " -c jit=off");
    patientSource = source(0, SCHEMA, " -c idle_in_transaction_session_timeout=0");
    name(boot);
    queue = pool("queue", queueSource, QUEUE_POOL);
    handlers = pool("handlers", handlerSource, handlerPool);
    handed = ChunkCrash.before(handlers);
  }

  /** From now on every new connection belongs to this boot; pooled ones are replaced. */
  public void boot(UUID boot) {
    if (!applicationName(boot).equals(queueSource.getApplicationName())) {
      name(boot);
      evict();
    }
  }

  private void name(UUID boot) {
    sources().forEach(source -> source.setApplicationName(applicationName(boot)));
  }

  private static String applicationName(UUID boot) {
    return APPLICATION + boot;
  }

  /** The server may listen elsewhere after a restart. */
  public void port(int port) {
    if (queueSource.getPortNumbers()[0] == port) {
      return;
    }
    sources().forEach(source -> source.setPortNumbers(new int[] {port}));
    evict();
  }

  private List<PGSimpleDataSource> sources() {
    return List.of(queueSource, handlerSource, sessionSource, patientSource);
  }

  /** {@return where this is} */
  public DatabaseAddress address() {
    return address;
  }

  /** {@return the pool for statements on our own tables} Search path {@code batchyard}. */
  public DataSource queue() {
    return queue;
  }

  /** {@return the pool that handlers work with} Search path {@code public}. */
  public DataSource handlers() {
    return handed;
  }

  /** {@return the most connections that a node holds at once: both pools and its session} */
  int connectionsMax() {
    return queue.getMaximumPoolSize() + handlers.getMaximumPoolSize() + 1;
  }

  /** {@return a connection of its own, outside every pool, to be closed by the caller} */
  public Connection session() throws SQLException {
    return sessionSource.getConnection();
  }

  /** As {@link #session()}, for statements and locks that may take as long as they need. */
  Connection patientSession() throws SQLException {
    return patientSource.getConnection();
  }

  /** {@return where such connections come from} */
  DataSource patient() {
    return patientSource;
  }

  @Override
  public void close() {
    queue.close();
    handlers.close();
  }

  private void evict() {
    queue.getHikariPoolMXBean().softEvictConnections();
    handlers.getHikariPoolMXBean().softEvictConnections();
  }

  private PGSimpleDataSource source(int timeoutS, String searchPath, String settings) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setServerNames(new String[] {address.host()});
    source.setPortNumbers(new int[] {address.port()});
    source.setDatabaseName(address.database());
    source.setUser(address.user());
    source.setPassword(address.password());
    source.setSocketTimeout(timeoutS);
    source.setConnectTimeout(CONNECT_TIMEOUT_S);
    source.setLoginTimeout(SESSION_TIMEOUT_S);
    source.setTcpKeepAlive(true);
    source.setOptions(
        "-c search_path=%s -c synchronous_commit=on %s -c idle_in_transaction_session_timeout=%s%s"
            .formatted(searchPath, READ_COMMITTED, IDLE_IN_TRANSACTION, settings));
    Properties extra = new Properties();
    extra.putAll(address.properties());
    extra.stringPropertyNames().forEach(name -> setProperty(source, name, extra));
    return source;
  }

  private static void setProperty(PGSimpleDataSource source, String name, Properties from) {
    try {
      source.setProperty(name, from.getProperty(name));
    } catch (SQLException e) {
      throw new CannotStart("--db: property " + name + ": " + e.getMessage(), e);
    }
  }

  private static HikariDataSource pool(String name, DataSource source, int size) {
    HikariConfig config = new HikariConfig();
    config.setPoolName("batchyard-" + name);
    config.setDataSource(source);
    config.setMaximumPoolSize(size);
    config.setMinimumIdle(0);
    config.setIdleTimeout(60_000);
    config.setConnectionTimeout(POOL_WAIT_MS);
    config.setInitializationFailTimeout(-1);
    config.setRegisterMbeans(false);
    return new HikariDataSource(config);
  }
}
