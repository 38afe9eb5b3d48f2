package dev.batchyard.app;

import dev.batchyard.app.config.Settings;
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
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;

/** The store as this process reaches it: the data folder's own server, or the one given by --db. */
public final class Installation implements AutoCloseable {

  /** Shortens leases and all that is made of them, so that proofs of recovery do not take hours. */
  private static final String TIMESCALE = "batchyard.timescale";

  private final Settings settings;
  private final DataFolder folder;
  private final Optional<EmbeddedServer> embedded;
  private final Optional<DataFolder.Membership> membership;
  private final Database database;
  private final Store store;

  private Installation(
      Settings settings,
      DataFolder folder,
      Optional<EmbeddedServer> embedded,
      Optional<DataFolder.Membership> membership,
      Database database) {
    this.settings = settings;
    this.folder = folder;
    this.embedded = embedded;
    this.membership = membership;
    this.database = database;
    this.store =
        new Store(
            database.queue(),
            database::session,
            StoreClock.DATABASE,
            new SplittableRandom(),
            new Store.Settings(lease(), settings.logRetention()));
  }

  /**
   * Joins the data folder, starts PostgreSQL if need be, checks the server, migrates the schema.
   *
   * @throws CannotStart naming what is in the way and the cure
   */
  public static Installation open(Settings settings) {
    DataFolder folder = DataFolder.open(settings.data());
    if (settings.db().isPresent()) {
      DatabaseAddress address =
          DatabaseAddress.parse(settings.db().get(), settings.dbUser(), settings.dbPassword());
      return checked(settings, folder, Optional.empty(), Optional.of(folder.join()), address);
    }
    EmbeddedServer server = EmbeddedServer.join(folder);
    return checked(settings, folder, Optional.of(server), Optional.empty(), server.ensureRunning());
  }

  private static Installation checked(
      Settings settings,
      DataFolder folder,
      Optional<EmbeddedServer> embedded,
      Optional<DataFolder.Membership> membership,
      DatabaseAddress address) {
    Database database = new Database(address, UUID.randomUUID(), settings.slots() + 2);
    Installation installation = new Installation(settings, folder, embedded, membership, database);
    try {
      StartChecks.run(database);
      Migrations.run(database);
      return installation;
    } catch (RuntimeException e) {
      installation.close();
      throw e;
    }
  }

  /** {@return how long the others wait for a node that falls silent} */
  static Duration lease() {
    double scale = Double.parseDouble(System.getProperty(TIMESCALE, "1"));
    return Duration.ofMillis(Math.round(EngineConfig.DEFAULT_LEASE.toMillis() * scale));
  }

  /**
   * A session of this boot is about to be opened: the server must run, connections carry its id.
   */
  void prepare(UUID boot) {
    embedded.ifPresent(server -> database.port(server.ensureRunning().port()));
    database.boot(boot);
  }

  /** {@return the node's name: as set, or the host's with the lowest free slot} */
  String nodeName() {
    int slot =
        embedded
            .map(EmbeddedServer::slot)
            .or(() -> membership.map(DataFolder.Membership::slot))
            .orElse(1);
    return settings.name().orElseGet(() -> hostName() + "-" + slot);
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
    database.close();
    embedded.ifPresent(EmbeddedServer::close);
    membership.ifPresent(DataFolder.Membership::close);
  }
}
