package dev.batchyard.bench;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskType;
import dev.batchyard.app.Node;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.bench.queue.QueueSystem;
import dev.batchyard.bench.queue.QueueSystems;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.engine.run.EngineConfig;
import dev.batchyard.engine.run.EnginePorts;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.Store;
import dev.batchyard.store.StoreClock;
import dev.batchyard.store.server.Database;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * What 200 nodes that have nothing to do cost PostgreSQL. They are the product's engines in this
 * JVM, each with a session of its own as ever; what else they ask goes through one small pool,
 * which they share, so that the server's default of connections is enough.
 */
final class QueueIdleNodesCell implements QueueCell {

  private static final int NODES = 200;
  private static final int HANDLER_CONNECTIONS = 1; // nothing runs

  /** A lease, in which nobody may fence, and what comes of so many starts at once. */
  private static final long SETTLES_S = 20;

  private static final long IDLE_S = 30;
  private static final long WARMS_UP_S = 1;

  private static final TaskType<Told> TYPE =
      new TaskType<>(
          "bench.nothing",
          "Does nothing",
          "什么也不做",
          Told.class,
          (told, context) -> Outcome.completed(),
          TaskType.LEASE_MAX);

  private final JacksonParameters codec = new JacksonParameters();
  private final TaskTypes types = new TaskTypes(List.of(TYPE));

  /** What a task is told. */
  record Told(long n) {}

  @Override
  public String name() {
    return "idle200";
  }

  @Override
  public int roundsMax() {
    return ROUNDS_OF_LONG;
  }

  @Override
  public List<Bound> bounds() {
    return List.of(Bound.atMost("queue.idle200.postgres_cpu", 10, 5));
  }

  @Override
  public void round(QueueLab lab, List<String> systems, boolean warmsUp, Samples samples)
      throws Exception {
    if (!systems.contains(QueueSystems.BATCHYARD)) {
      return;
    }
    try (QueueSystem queue = lab.open(QueueSystems.BATCHYARD)) {
      queue.create();
    }
    List<Engine> nodes = new ArrayList<>();
    try (Database database =
        new Database(
            lab.database(QueueSystems.BATCHYARD), UUID.randomUUID(), HANDLER_CONNECTIONS)) {
      Store store =
          new Store(
              database.queue(),
              database::session,
              StoreClock.DATABASE,
              new SplittableRandom(),
              Store.Settings.DEFAULT);
      var _ =
          new Submitter(types, codec, store.submissions(), store.batches())
              .submit(
                  NewTask.of(TYPE.name(), new Told(0))
                      .withDue(Instant.now().plus(Duration.ofDays(1)))); // a lane to look at
      for (int n = 0; n < (warmsUp ? 1 : NODES); n++) {
        nodes.add(start(n, store));
      }
      try {
        pass(warmsUp ? WARMS_UP_S : SETTLES_S);
        measure(lab, store, nodes.size(), warmsUp ? WARMS_UP_S : IDLE_S, samples);
      } finally {
        close(nodes);
      }
    }
  }

  private static void measure(QueueLab lab, Store store, int nodes, long idle_s, Samples samples)
      throws IOException {
    Duration before = lab.server().cpu();
    long from_ns = System.nanoTime();
    pass(idle_s);
    double passed_s = (System.nanoTime() - from_ns) / 1e9;
    double cpu_s = lab.server().cpu().minus(before).toNanos() / 1e9;
    long alive = store.nodeViews().nodes().stream().filter(node -> node.alive()).count();
    if (alive != nodes) {
      throw new IOException("%d of %d nodes live".formatted(alive, nodes));
    }
    samples.add("queue.idle200.postgres_cpu", 100 * cpu_s / passed_s, "% of a core");
    samples.add("queue.idle200.nodes", nodes, "sessions, and one pool of 4 for all");
  }

  private Engine start(int number, Store store) {
    EngineConfig config =
        new EngineConfig(
            "bench-" + number,
            "localhost",
            ProcessHandle.current().pid(),
            "bench",
            Integer.parseInt(Key.SLOTS.usual()),
            EngineConfig.DEFAULT_LEASE,
            EngineConfig.DEFAULT_STOP_GRACE,
            NodeTraits.NONE);
    EnginePorts ports =
        Node.ports(
            store,
            (task, attempt) -> {
              throw new IllegalStateException("task " + task + " is not due");
            },
            Optional::empty);
    return Engine.start(config, ports, types, boot -> {});
  }

  private static void close(List<Engine> nodes) {
    try (ExecutorService threads = Executors.newFixedThreadPool(NODES)) {
      for (Engine node : nodes) {
        var _ =
            threads.submit(() -> {
              node.close();
              return true;
            });
      }
    }
  }

  private static void pass(long s) {
    Latencies.until(System.nanoTime() + TimeUnit.SECONDS.toNanos(s));
  }

  @Override
  public void ratios(Figures figures) {}
}
