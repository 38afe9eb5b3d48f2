package dev.batchyard.bench.queue;

import dev.batchyard.store.server.DatabaseAddress;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.scheduling.JobRequestScheduler;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.server.JobActivator;
import org.jobrunr.server.configuration.BackgroundJobServerThreadType;
import org.jobrunr.server.configuration.DefaultBackgroundJobServerWorkerPolicy;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.StorageProviderUtils.DatabaseOptions;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.utils.mapper.JsonMapper;
import org.jobrunr.utils.mapper.jackson3.Jackson3JsonMapper;
import org.jspecify.annotations.Nullable;

/**
 * JobRunr, open source edition: job requests, which need no look at bytecode, enqueued as a stream
 * that it saves in bulk; virtual threads; the shortest poll interval that it allows for a database.
 * Ended jobs stay in its one table.
 */
final class JobRunrQueue implements QueueSystem {

  private static final String NAME = "jobrunr";

  /** It refuses less, to spare the database. */
  private static final Duration POLL_MIN = Duration.ofSeconds(5);

  private static final int WORKERS = 32;
  private static final int CONNECTIONS = 16;

  private final PeerDatabase database;
  private final JsonMapper json = new Jackson3JsonMapper();
  private @Nullable StorageProvider storage;
  private @Nullable JobRequestScheduler scheduler;

  JobRunrQueue(DatabaseAddress address) {
    this.database = new PeerDatabase(address, NAME, CONNECTIONS);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String settings() {
    return "JobRunr %s: %d workers on virtual threads, polls each %d s (its minimum), first 1 s after the start, enqueue(Stream); %s"
        .formatted(
            BackgroundJobServer.class.getPackage().getImplementationVersion(),
            WORKERS,
            POLL_MIN.toSeconds(),
            database.settings());
  }

  @Override
  public synchronized void create() throws SQLException {
    database.clear();
    use(DatabaseOptions.CREATE);
  }

  private synchronized StorageProvider storage() {
    return storage == null ? use(DatabaseOptions.SKIP_CREATE) : storage;
  }

  private synchronized JobRequestScheduler scheduler() {
    if (scheduler == null) {
      scheduler = new JobRequestScheduler(storage());
    }
    return scheduler;
  }

  private synchronized StorageProvider use(DatabaseOptions options) {
    if (storage != null) {
      storage.close();
    }
    StorageProvider opened = new PostgresStorageProvider(database.source(), options);
    opened.setJobMapper(new JobMapper(json));
    storage = opened;
    scheduler = null;
    return opened;
  }

  @Override
  public void submit(int count) {
    scheduler().enqueue(LongStream.range(0, count).mapToObj(i -> new Noop(0)));
  }

  @Override
  public void submitOne(long n) {
    scheduler().enqueue(new Noop(n));
  }

  @Override
  public AutoCloseable work(LongConsumer started) {
    NoopHandler handler = new NoopHandler(started);
    JobActivator activator =
        new JobActivator() {
          @Override
          public <T> T activateJob(Class<T> type) {
            return type.cast(handler);
          }
        };
    BackgroundJobServer server =
        new BackgroundJobServer(
            storage(),
            json,
            activator,
            BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                .andPollInterval(POLL_MIN)
                .andBackgroundJobServerWorkerPolicy(
                    new DefaultBackgroundJobServerWorkerPolicy(
                        WORKERS, BackgroundJobServerThreadType.VirtualThreads)));
    server.start();
    return server::stop;
  }

  @Override
  public long ended() throws SQLException {
    return database.number("select count(*) from jobrunr_jobs where state = 'SUCCEEDED'");
  }

  @Override
  public synchronized void close() {
    if (storage != null) {
      storage.close();
    }
    database.close();
  }

  /** A job that does nothing. JobRunr makes it from JSON. */
  public record Noop(long n) implements JobRequest {
    @Override
    public Class<NoopHandler> getJobRequestHandler() {
      return NoopHandler.class;
    }
  }

  /** Tells that a job started. JobRunr calls it by reflection. */
  public static final class NoopHandler implements JobRequestHandler<Noop> {

    private final LongConsumer started;

    NoopHandler(LongConsumer started) {
      this.started = started;
    }

    @Override
    public void run(Noop job) {
      started.accept(job.n());
    }
  }
}
