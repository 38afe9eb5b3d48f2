package dev.batchyard.app;

import dev.batchyard.app.config.Settings;
import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.run.EngineConfig;
import dev.batchyard.store.Store;
import dev.batchyard.store.StoreClock;
import dev.batchyard.store.server.CannotStart;
import dev.batchyard.store.server.DataFolder;
import dev.batchyard.store.server.Database;
import dev.batchyard.store.server.DatabaseAddress;
import dev.batchyard.store.server.EmbeddedServer;
import dev.batchyard.store.server.Migrations;
import dev.batchyard.store.server.StartChecks;
import dev.batchyard.tasks.data.jdbc.CopySink;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;

/**
 * The store as this process reaches it: the data folder's own server, or the one given by --db. The
 * folder's server is looked after every second until this is closed, and started again if it died.
 */
public final class Installation implements AutoCloseable {

  /** Shortens leases and all that is made of them, so that proofs of recovery do not take hours. */
  private static final String TIMESCALE = "batchyard.timescale";

  /** An import sends rows on one while the other commits. */
  private static final int CONNECTIONS_PER_SLOT = CopySink.CONNECTIONS;

  private static final double TIMESCALE_MIN = 0.05;
  private static final double TIMESCALE_MAX = 100;

  private final Settings settings;
  private final Duration lease;
  private final DataFolder folder;
  private final Optional<EmbeddedServer> embedded;
  private final Database database;
  private final Store store;
  private final ServerKeeper keeper = new ServerKeeper(this::reach);

  private Installation(
      Settings settings,
      Duration lease,
      DataFolder folder,
      Optional<EmbeddedServer> embedded,
      DatabaseAddress address) {
    this.settings = settings;
    this.lease = lease;
    this.folder = folder;
    this.embedded = embedded;
    this.database =
        new Database(address, UUID.randomUUID(), CONNECTIONS_PER_SLOT * settings.slots() + 2);
    this.store =
        new Store(
            database.queue(),
            database::session,
            StoreClock.DATABASE,
            new SplittableRandom(),
            new Store.Settings(lease, settings.logRetention(), settings.taskRetention()),
            InstantSource.system());
  }

  /**
   * Opens the data folder, starts PostgreSQL if need be, checks the server, migrates the schema. It
   * takes no slot of a node: that is for {@link Node#start}.
   *
   * @throws CannotStart naming what is in the way and the cure
   */
  public static Installation open(Settings settings) {
    Duration lease = lease(System.getProperty(TIMESCALE, "1"));
    CrashPoint.problem()
        .ifPresent(problem -> {
          throw new CannotStart(problem);
        });
    Optional<DatabaseAddress> given =
        settings
            .db()
            .map(url -> DatabaseAddress.parse(url, settings.dbUser(), settings.dbPassword()));
    if (given.isPresent() && settings.dbUser().isBlank()) {
      throw new CannotStart(
          "db-user: has no value; a server of your own (--db) needs BATCHYARD_DB_USER");
    }
    DataFolder folder = DataFolder.open(settings.data());
    if (given.isPresent()) {
      return checked(new Installation(settings, lease, folder, Optional.empty(), given.get()));
    }
    EmbeddedServer server = EmbeddedServer.join(folder);
    try {
      return checked(
          new Installation(settings, lease, folder, Optional.of(server), server.ensureRunning()));
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private static Installation checked(Installation installation) {
    try {
      installation.insist(installation::check);
      if (installation.embedded.isPresent()) {
        installation.keeper.start();
      }
      return installation;
    } catch (RuntimeException e) {
      installation.close();
      throw e;
    }
  }

  private void check() {
    if (embedded.isPresent()) {
      StartChecks.run(database, folder);
    } else {
      StartChecks.run(database);
    }
    Migrations.run(database);
  }

  /** A server of one's own is another's business; that of the folder is ours to bring back. */
  private void insist(Runnable step) {
    if (embedded.isPresent()) {
      new StartTries(this::reach, store.awayErrors()::sayAway, System::nanoTime).run(step);
    } else {
      step.run();
    }
  }

  /** {@return the lease at this scale of time} */
  static Duration lease(String timescale) {
    try {
      double scale = Double.parseDouble(timescale);
      if (scale >= TIMESCALE_MIN && scale <= TIMESCALE_MAX) {
        return Duration.ofMillis(Math.round(EngineConfig.DEFAULT_LEASE.toMillis() * scale));
      }
    } catch (NumberFormatException e) {
      // told below, together with numbers out of range
    }
    throw new CannotStart(
        "-D%s: '%s' must be a number from %s to %s; it is for tests, leave it out"
            .formatted(TIMESCALE, timescale, TIMESCALE_MIN, TIMESCALE_MAX));
  }

  /** {@return how long the others wait for a node that falls silent} */
  Duration lease() {
    return lease;
  }

  /**
   * A session of this boot is about to be opened: the server must run, connections carry its id.
   *
   * @throws StoreUnavailable if the server does not start
   */
  void prepare(UUID boot) {
    try {
      reach();
    } catch (CannotStart e) {
      throw new StoreUnavailable(String.valueOf(e.getMessage()), e);
    }
    database.boot(boot);
  }

  /** The folder's server runs, and this process knows its port. */
  private void reach() {
    embedded.ifPresent(server -> database.port(server.ensureRunning().port()));
  }

  /** A node that could not open its connections would fail attempts long after its start. */
  void refuseSlotsBeyondConnections() {
    insist(() ->
        StartChecks.refuseSlotsBeyondConnections(database, settings.slots(), CONNECTIONS_PER_SLOT));
  }

  static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }

  public Settings settings() {
    return settings;
  }

  public DataFolder folder() {
    return folder;
  }

  public Database database() {
    return database;
  }

  public Store store() {
    return store;
  }

  @Override
  public void close() {
    keeper.close();
    database.close();
    embedded.ifPresent(EmbeddedServer::close);
  }
}
