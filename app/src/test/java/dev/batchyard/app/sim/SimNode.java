package dev.batchyard.app.sim;

import dev.batchyard.api.TaskType;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.AttemptLogs.OpenLog;
import dev.batchyard.engine.port.LocalNode;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.engine.run.EngineConfig;
import dev.batchyard.engine.run.EnginePorts;
import dev.batchyard.engine.run.Surroundings;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.Store;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A node: the real engine over a faulty net, from one start to the next. */
final class SimNode {

  private static final Duration GRACE = Duration.ofSeconds(5);

  private final Simulation sim;
  private final World world;
  private final String place;
  private final String name;
  private final int slots;
  private int lives;
  private @Nullable Life life;
  private @Nullable SimSessions sessions;
  private @Nullable Engine engine;

  SimNode(Simulation sim, String place, String name, int slots) {
    this.sim = sim;
    this.world = sim.world;
    this.place = place;
    this.name = name;
    this.slots = slots;
  }

  boolean isUp() {
    return life != null && !life.isDead();
  }

  @Nullable Life life() {
    return life;
  }

  /** Starts it; a new process. */
  void start() {
    Life begun = new Life(place + "." + ++lives);
    life = begun;
    world.trace.add(world, begun.name + " starts as " + name);
    Store store = sim.store(begun);
    SimSessions over =
        new SimSessions(store.sessions(), sim.net, sim.links, world, sim.faults, begun, sim.census);
    sessions = over;
    FaultyPorts ports = new FaultyPorts(sim.net, begun, sim.census, sim.eye);
    EnginePorts all =
        new EnginePorts(
            over,
            ports.claims(store.claims()),
            ports.arrivals(store.arrivals()),
            ports.finishes(store.finishes()),
            ports.rescues(store.rescues()),
            ports.expiries(store.expiries()),
            ports.runningRows(store.runningRows()),
            ports.steps(store.steps()),
            store.splits(),
            sim.plan.upkeep() ? ports.upkeep(store.upkeep()) : FaultyPorts.NO_UPKEEP,
            new JacksonParameters(),
            (task, attempt) -> OpenLog.SILENT,
            store.awayErrors(),
            ports.retryPolicies(store.retryPolicies()),
            Optional::empty);
    List<TaskType<?>> types = new Script(sim, begun, this::kill).types();
    Engine running =
        Engine.start(
            new EngineConfig(
                name, "simulation", lives, "0", slots, World.LEASE, GRACE, NodeTraits.NONE),
            sim.bug.ports(all, sim, begun),
            new TaskTypes(types),
            boot -> {},
            new Surroundings(new SimThreads(world, begun), world::id, world.random));
    engine = running;
    store.addNode(
        new LocalNode() {
          @Override
          public void wake() {
            if (!begun.isDead() && sim.tellsOfWork()) {
              running.wake();
            }
            sim.wakeAll();
          }

          @Override
          public Optional<Submitted> arrive(TaskDraft draft) {
            return Optional.empty(); // clients ask the engine, past the store
          }
        });
  }

  /** A client's request; over with its answer, unless nobody knows what came of it. */
  static final class Request {
    boolean over;
    boolean unknown;

    /** The client waits no longer. */
    boolean left;

    Optional<Submitted> answer = Optional.empty();
  }

  /**
   * A client asks this process to submit, which begins the task if it has nothing else to do. If
   * the process dies meanwhile, the request is never over.
   */
  Request arrive(TaskDraft draft, Runnable told) {
    Request request = new Request();
    Life asked = Objects.requireNonNull(life);
    Engine running = Objects.requireNonNull(engine);
    var _ =
        world.start(
            asked,
            "arrival",
            () -> {
              try {
                request.answer = running.arrive(draft);
              } catch (StoreUnavailable e) {
                request.unknown = true;
              }
              request.over = true;
              if (!request.left) {
                world.after(Duration.ZERO, told);
              }
            });
    return request;
  }

  /** Kills it. */
  void kill() {
    Life dying = life;
    if (dying != null && !dying.isDead()) {
      world.trace.add(world, dying.name + " is killed");
      dying.end();
      if (sessions != null) {
        sessions.died();
      }
      world.after(Duration.ofMillis(500).plus(world.upTo(Duration.ofSeconds(4))), this::startAgain);
    }
  }

  private void startAgain() {
    if (!isUp()) {
      start();
    }
  }

  /** It stands still for a while. */
  void freeze(Duration time) {
    Life frozen = life;
    if (frozen != null && !frozen.isDead() && !frozen.isFrozen()) {
      world.trace.add(world, frozen.name + " freezes for " + time.toMillis() + " ms");
      frozen.freeze();
      world.after(time, () -> goOn(frozen));
    }
  }

  void goOn() {
    if (life != null) {
      goOn(life);
    }
  }

  private void goOn(Life frozen) {
    if (!frozen.isDead() && frozen.isFrozen()) {
      world.trace.add(world, frozen.name + " goes on");
      world.thaw(frozen);
    }
  }

  /** Stops it as it should be, and starts it again. */
  void stop() {
    Life stopping = life;
    Engine running = engine;
    if (stopping == null || running == null || stopping.isDead()) {
      return;
    }
    world.trace.add(world, stopping.name + " stops");
    var _ =
        world.start(
            stopping,
            "stop",
            () -> {
              try {
                running.close();
              } catch (InterruptedException e) {
                world.violated("threads end as they should", "a stop was interrupted");
              }
              world.after(Duration.ZERO, () -> stopped(stopping));
            });
  }

  private void stopped(Life stopping) {
    if (life == stopping && !stopping.isDead()) {
      world.trace.add(world, stopping.name + " has stopped");
      stopping.end();
      if (sessions != null) {
        sessions.died();
      }
      world.after(world.upTo(Duration.ofSeconds(2)), this::startAgain);
    }
  }
}
