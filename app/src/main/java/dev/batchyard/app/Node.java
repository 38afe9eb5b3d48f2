package dev.batchyard.app;

import dev.batchyard.app.config.Settings;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.AttemptLogs;
import dev.batchyard.engine.port.NameTaken;
import dev.batchyard.engine.port.NodeMetrics;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.engine.run.EngineConfig;
import dev.batchyard.engine.run.EnginePorts;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.ops.log.TaskLogs;
import dev.batchyard.store.Store;
import dev.batchyard.store.server.CannotStart;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** A running node on an installation: engine, task types, logs. */
public final class Node implements AutoCloseable {

  private static final Duration LOG_FLUSH = Duration.ofMillis(200);

  private final Engine engine;
  private final TaskLogs logs;
  private final ScheduledExecutorService timer;
  private final NodeName name;
  private final Store store;

  private Node(
      Engine engine, TaskLogs logs, ScheduledExecutorService timer, NodeName name, Store store) {
    this.engine = engine;
    this.store = store;
    this.logs = logs;
    this.timer = timer;
    this.name = name;
  }

  /**
   * Starts a node with the name that its installation gives it.
   *
   * @throws CannotStart if it needs a number of the data folder and gets none, or more connections
   *     than the server allows, or another node of its name lives
   */
  public static Node start(Installation installation, TaskTypes types) throws InterruptedException {
    return start(installation, NodeName.take(installation), types);
  }

  /**
   * Starts a node. It serves when this returns, or as soon as the store is back.
   *
   * @param name closed with the node
   * @throws CannotStart if it needs more connections than the server allows, or another node of its
   *     name lives
   */
  public static Node start(Installation installation, NodeName name, TaskTypes types)
      throws InterruptedException {
    installation.refuseSlotsBeyondConnections();
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("batchyard-timer").daemon().factory());
    Store store = installation.store();
    TaskLogs logs = new TaskLogs(store.logLines(), InstantSource.system(), timer, LOG_FLUSH);
    EngineConfig config =
        new EngineConfig(
            name.text(),
            Installation.hostName(),
            ProcessHandle.current().pid(),
            Version.text(),
            installation.settings().slots(),
            installation.lease(),
            installation.settings().stopGrace(),
            traits(installation));
    Engine engine =
        Engine.start(
            config,
            ports(store, logs, new Machine(installation.folder().root(), System::nanoTime)),
            types,
            installation::prepare);
    Node node = new Node(engine, logs, timer, name, store);
    store.addNode(engine);
    try {
      engine.awaitSession();
    } catch (NameTaken e) {
      node.close();
      throw new CannotStart(String.valueOf(e.getMessage()), e);
    }
    return node;
  }

  /**
   * What the settings say of the node, and its machine.
   *
   * @throws CannotStart if it is to serve a queue that does not exist
   */
  private static NodeTraits traits(Installation installation) {
    Settings settings = installation.settings();
    List<String> known = installation.store().queues().names();
    settings.queues().stream()
        .filter(queue -> !known.contains(queue))
        .findFirst()
        .ifPresent(queue -> {
          throw new CannotStart(
              "queues: '%s' does not exist; './batchyard queue %s --create' makes it"
                  .formatted(queue, queue));
        });
    return new NodeTraits(
        Machine.capacity(installation.folder().root()), settings.labels(), settings.queues());
  }

  /** {@return what an engine needs, from a store; its parameters are JSON} */
  public static EnginePorts ports(Store store, AttemptLogs logs, NodeMetrics metrics) {
    return new EnginePorts(
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
        new JacksonParameters(),
        logs,
        store.awayErrors(),
        store.retryPolicies(),
        metrics);
  }

  /** {@return the engine} */
  public Engine engine() {
    return engine;
  }

  /** Stops gracefully: attempts end at their checkpoints, uncharged; then the logs. */
  @Override
  public void close() throws InterruptedException {
    store.removeNode(engine);
    engine.close();
    logs.close();
    timer.shutdownNow();
    name.close();
  }
}
