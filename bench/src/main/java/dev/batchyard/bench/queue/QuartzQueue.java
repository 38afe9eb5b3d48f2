package dev.batchyard.bench.queue;

import dev.batchyard.store.server.DatabaseAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.impl.SchedulerRepository;
import org.quartz.impl.StdSchedulerFactory;
import org.quartz.impl.jdbcjobstore.JobStoreTX;
import org.quartz.impl.jdbcjobstore.PostgreSQLDelegate;
import org.quartz.simpl.SimpleThreadPool;
import org.quartz.utils.ConnectionProvider;
import org.quartz.utils.DBConnectionManager;

/**
 * Quartz with its clustered JDBC store: one durable job, a trigger for each task, and as many
 * triggers acquired at once as there are threads. It deletes a trigger when it has fired and keeps
 * no history.
 */
final class QuartzQueue implements QueueSystem {

  private static final String NAME = "quartz";
  private static final String TABLES = "org/quartz/impl/jdbcjobstore/tables_postgres.sql";
  private static final int THREADS = 10;

  /** Its guide: the threads and three more. */
  private static final int CONNECTIONS = THREADS + 3;

  /** The least that it takes. */
  private static final int IDLE_WAIT_MIN_MS = 1_000;

  private final PeerDatabase database;
  private final String source = NAME + UUID.randomUUID();
  private final TaskNames names = new TaskNames();
  private final JobDetail job =
      JobBuilder.newJob(Noop.class).withIdentity("noop").storeDurably().build();
  private long madeBefore;
  private @Nullable Scheduler scheduler;

  QuartzQueue(DatabaseAddress address) {
    this.database = new PeerDatabase(address, NAME, CONNECTIONS);
    DBConnectionManager.getInstance().addConnectionProvider(source, new Pool(database));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String settings() {
    return "Quartz %s: JobStoreTX, clustered, %s, %d threads, batchTriggerAcquisitionMaxCount %d, idleWaitTime %d ms (its minimum), lockOnInsert false, one durable job, scheduleJobs; %s"
        .formatted(
            Scheduler.class.getPackage().getImplementationVersion(),
            PostgreSQLDelegate.class.getSimpleName(),
            THREADS,
            THREADS,
            IDLE_WAIT_MIN_MS,
            database.settings());
  }

  private Properties properties() {
    Properties set = new Properties();
    set.setProperty("org.quartz.scheduler.instanceName", NAME);
    set.setProperty("org.quartz.scheduler.instanceId", "AUTO");
    set.setProperty("org.quartz.scheduler.idleWaitTime", Integer.toString(IDLE_WAIT_MIN_MS));
    set.setProperty(
        "org.quartz.scheduler.batchTriggerAcquisitionMaxCount", Integer.toString(THREADS));
    set.setProperty("org.quartz.threadPool.class", SimpleThreadPool.class.getName());
    set.setProperty("org.quartz.threadPool.threadCount", Integer.toString(THREADS));
    set.setProperty("org.quartz.jobStore.class", JobStoreTX.class.getName());
    set.setProperty("org.quartz.jobStore.driverDelegateClass", PostgreSQLDelegate.class.getName());
    set.setProperty("org.quartz.jobStore.isClustered", "true");
    set.setProperty("org.quartz.jobStore.acquireTriggersWithinLock", "true"); // batches need it
    set.setProperty("org.quartz.jobStore.lockOnInsert", "false"); // names are unique anyway
    set.setProperty("org.quartz.jobStore.useProperties", "true");
    set.setProperty("org.quartz.jobStore.dataSource", source);
    return set;
  }

  private synchronized Scheduler scheduler() throws SchedulerException {
    if (scheduler == null) {
      scheduler = open(properties());
    }
    return scheduler;
  }

  /** A cluster is known by the schedulers' name, but so are the schedulers of one JVM. */
  private static Scheduler open(Properties properties) throws SchedulerException {
    synchronized (QuartzQueue.class) {
      Scheduler opened = new StdSchedulerFactory(properties).getScheduler();
      SchedulerRepository.getInstance().remove(NAME); // or it would be handed to the next
      return opened;
    }
  }

  private synchronized void end() throws SchedulerException {
    if (scheduler != null) {
      scheduler.shutdown(true);
      scheduler = null;
    }
  }

  @Override
  public void create() throws SQLException, SchedulerException {
    end();
    database.clear();
    database.execute(PeerDatabase.resource(TABLES));
    scheduler().addJob(job, true);
    madeBefore = names.made();
  }

  @Override
  public void submit(int count) throws SchedulerException {
    Set<Trigger> triggers = new HashSet<>(count * 2);
    for (int i = 0; i < count; i++) {
      triggers.add(trigger(0));
    }
    scheduler().scheduleJobs(Map.of(job, triggers), true);
  }

  @Override
  public void submitOne(long n) throws SchedulerException {
    scheduler().scheduleJob(trigger(n));
  }

  private Trigger trigger(long n) {
    return TriggerBuilder.newTrigger().withIdentity(names.next(n)).forJob(job).startNow().build();
  }

  @Override
  public AutoCloseable work(LongConsumer started) throws SchedulerException {
    Job noop = context -> started.accept(TaskNames.number(context.getTrigger().getKey().getName()));
    Scheduler working = scheduler();
    working.setJobFactory((fired, by) -> noop);
    working.start();
    return this::end;
  }

  /** What this instance has submitted and the table no longer holds: an end deletes the row. */
  @Override
  public long ended() throws SQLException {
    return names.made() - madeBefore - database.number("select count(*) from qrtz_triggers");
  }

  @Override
  public void close() throws SchedulerException {
    end();
    database.close();
  }

  /** Names the job; a factory makes what runs. */
  private abstract static class Noop implements Job {}

  /** The pool, as Quartz wants it. */
  private record Pool(PeerDatabase database) implements ConnectionProvider {

    @Override
    public Connection getConnection() throws SQLException {
      return database.source().getConnection();
    }

    @Override
    public void initialize() {}

    @Override
    public void shutdown() {} // the pool outlives a scheduler
  }
}
