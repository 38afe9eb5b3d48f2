package dev.batchyard.app.engine;

import dev.batchyard.api.TaskHandler;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.AttemptLogs;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.NodeMetrics;
import dev.batchyard.engine.port.ParameterCodec;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.engine.run.EngineConfig;
import dev.batchyard.engine.run.EnginePorts;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.Store;
import dev.batchyard.store.StoreClock;
import dev.batchyard.store.server.Database;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import tools.jackson.databind.json.JsonMapper;

/** Nodes of a test, on one database, with leases of a second unless told otherwise. */
final class Nodes implements AutoCloseable {

  static final Duration LEASE = Duration.ofSeconds(1);

  private static final int SLOTS = 4;

  /** The parameters of every type here. */
  record Numbered(int number) {}

  private final Function<UUID, Database> databases;
  private final Duration lease;
  private final TaskTypes types;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final Store client;

  Nodes(TestDatabase test, TaskType<?>... types) {
    this(test::database, LEASE, types);
  }

  Nodes(Function<UUID, Database> databases, Duration lease, TaskType<?>... types) {
    this.databases = databases;
    this.lease = lease;
    this.types = new TaskTypes(List.of(types));
    this.client = store(database());
  }

  static TaskType<Numbered> type(String name, int leaseMax, TaskHandler<Numbered> handler) {
    return new TaskType<>(name, "A test", "测试", Numbered.class, handler, leaseMax);
  }

  Engine start(String name) {
    return start(name, () -> {});
  }

  /** Starts a node that does something whenever the log of an attempt is closed. */
  Engine start(String name, Runnable onLogClosed) {
    return start(name, SLOTS, onLogClosed, ports -> ports);
  }

  /** Starts a node with so many slots, on a machine that is used as a test says. */
  Engine start(String name, int slots, NodeMetrics metrics) {
    return start(name, slots, () -> {}, ports -> Ports.with(ports, NodeMetrics.class, metrics));
  }

  /** Starts a node that goes through other ports where a test says so. */
  Engine start(String name, UnaryOperator<EnginePorts> change) {
    return start(name, SLOTS, () -> {}, change);
  }

  private Engine start(
      String name, int slots, Runnable onLogClosed, UnaryOperator<EnginePorts> change) {
    Database database = database();
    Store store = store(database);
    Engine engine =
        Engine.start(
            new EngineConfig(
                name,
                "localhost",
                1,
                "test",
                slots,
                lease,
                Duration.ofSeconds(10),
                NodeTraits.NONE),
            change.apply(
                new EnginePorts(
                    store.sessions(),
                    store.claims(),
                    store.arrivals(),
                    store.finishes(),
                    store.rescues(),
                    store.expiries(),
                    store.runningRows(),
                    store.steps(),
                    store.splits(),
                    store.upkeep(),
                    CODEC,
                    (task, attempt) -> AttemptLogs.OpenLog.silent(onLogClosed),
                    store.awayErrors(),
                    store.retryPolicies(),
                    Optional::empty)),
            types,
            database::boot);
    open.add(engine);
    return engine;
  }

  Submitter submitter() {
    return new Submitter(types, CODEC, client.submissions(), client.batches());
  }

  Store client() {
    return client;
  }

  private Database database() {
    Database database = databases.apply(UUID.randomUUID());
    open.add(database);
    return database;
  }

  private Store store(Database database) {
    return new Store(
        database.queue(),
        database::session,
        StoreClock.DATABASE,
        new SplittableRandom(7),
        new Store.Settings(lease, Duration.ofDays(30), Duration.ofDays(30)));
  }

  @Override
  public void close() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  private static final ParameterCodec CODEC =
      new ParameterCodec() {
        private final JsonMapper json = JsonMapper.builder().build();

        @Override
        public <P extends Record> P decode(Class<P> type, String text) throws InvalidParameters {
          return json.readValue(text, type);
        }

        @Override
        public String encode(Record params) {
          return json.writeValueAsString(params);
        }

        @Override
        public String encodeResult(Map<String, Object> result) {
          return json.writeValueAsString(result);
        }

        @Override
        public String schema(Class<? extends Record> type) {
          return "{}";
        }
      };
}
