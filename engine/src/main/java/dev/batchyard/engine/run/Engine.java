package dev.batchyard.engine.run;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.LocalNode;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.StopReason;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node: claims tasks, runs their handlers, stores their ends, beats, rescues what others lost. It
 * owns every thread of the engine. A process may die at any instruction: what it held is found by
 * the others, or by its own next start.
 */
public final class Engine implements LocalNode, AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);
  private static final Duration JOIN_MAX = Duration.ofSeconds(5);

  /** As long as a statement may take: what a claim under way brings is to be given back in time. */
  private static final Duration CLAIM_JOIN_MAX = Duration.ofSeconds(30);

  /** The exit code of a process that a handler has ended. */
  private static final int EXITED = 134;

  private final EngineConfig config;
  private final EnginePorts ports;
  private final Threads threads;
  private final Signal changed;
  private final Attempts attempts;
  private final FinishLoop ends;
  private final SessionLoop session;
  private final ClaimLoop claims;
  private final Loop sessionLoop;
  private final Loop claimLoop;
  private final Loop finishLoop;
  private final Loop upkeepLoop;
  private final Loop doctorLoop;
  private final Loop watchdog;
  private final Loop machineLoop;
  private boolean stopped;

  private Engine(
      EngineConfig config,
      EnginePorts ports,
      TaskTypes types,
      Consumer<UUID> bootChanged,
      Surroundings surroundings) {
    this.config = config;
    this.ports = ports;
    threads = surroundings.threads();
    changed = new Signal(threads);
    Chores chores = new Chores(threads);
    ends = new FinishLoop(ports.finishes(), threads);
    attempts =
        new Attempts(
            types,
            ports.codec(),
            new Attempts.Work(ports.steps(), ports.splits()),
            ports.awayErrors(),
            surroundings,
            config.name(),
            ends,
            changed,
            new Slots(config.slots()),
            new ErrorRules(ports.retryPolicies(), threads));
    MachineLoop machine = new MachineLoop(config, ports.metrics(), threads);
    Turns turns = new Turns(threads::nanos);
    session =
        new SessionLoop(
            config,
            ports,
            types,
            attempts,
            ends,
            new SessionLoop.Signals(changed, chores, machine, turns),
            surroundings,
            bootChanged);
    claims =
        new ClaimLoop(
            config, ports, session, attempts, new ClaimLoop.Signals(changed, turns), surroundings);
    sessionLoop = new Loop("session", session, threads);
    claimLoop = new Loop("claim", claims, threads);
    finishLoop = new Loop("finish", ends, threads);
    upkeepLoop =
        new Loop(
            "upkeep",
            new UpkeepLoop(config, ports, attempts, ends, chores, threads::nanos),
            threads);
    doctorLoop =
        new Loop("doctor", new DoctorLoop(config.beat(), ports.upkeep(), threads), threads);
    watchdog = new Loop("watchdog", new Watchdog(config, attempts, threads), threads);
    machineLoop = new Loop("machine", machine, threads);
  }

  /**
   * Starts a node. It returns at once; the node serves as soon as its session is open, and goes on
   * trying for ever while the store is away.
   *
   * @param bootChanged told of each boot before its session is opened, so that the node's other
   *     connections can carry its id
   */
  public static Engine start(
      EngineConfig config, EnginePorts ports, TaskTypes types, Consumer<UUID> bootChanged) {
    return start(config, ports, types, bootChanged, Surroundings.ofJvm());
  }

  /** As {@link #start(EngineConfig, EnginePorts, TaskTypes, Consumer)}, in other surroundings. */
  public static Engine start(
      EngineConfig config,
      EnginePorts ports,
      TaskTypes types,
      Consumer<UUID> bootChanged,
      Surroundings surroundings) {
    Engine engine = new Engine(config, ports, types, bootChanged, surroundings);
    List.of(
            engine.watchdog,
            engine.machineLoop,
            engine.sessionLoop,
            engine.finishLoop,
            engine.upkeepLoop,
            engine.doctorLoop,
            engine.claimLoop)
        .forEach(Loop::start);
    return engine;
  }

  /**
   * Waits until the session of a node that has just started is open, or the store was found to be
   * away: then the node goes on trying.
   *
   * @throws NameTaken if another node of its name lives; this one is to be closed
   */
  public void awaitSession() throws InterruptedException {
    session.awaitBegun();
  }

  @Override
  public void wake() {
    changed.raise();
  }

  @Override
  public Optional<Submitted> arrive(TaskDraft draft) {
    return claims.arrive(draft);
  }

  /** {@return how many attempts run now} */
  public int running() {
    return attempts.running();
  }

  /** {@return the tasks whose attempts this node holds now} */
  public List<Long> held() {
    return attempts.held().stream().map(attempt -> attempt.claim().task()).sorted().toList();
  }

  /**
   * {@return done when the node holds nothing any more, and a person has drained it to end then}
   * Whoever has started it ends it.
   */
  public CompletableFuture<@Nullable Void> drained() {
    return session.drained();
  }

  /** {@return the boot that claims at present} */
  public UUID boot() {
    return session.boot().id();
  }

  /**
   * Has someone told, once, when so many handlers of this node were given up and go on that it
   * should be stopped and another process take its place. Nothing else happens then.
   *
   * @param listener must not wait; the engine's own thread calls it, or this one
   */
  public void onWornOut(Runnable listener) {
    attempts.leaks().onWornOut(listener);
  }

  /**
   * Stops gracefully: claims no more, asks every attempt to stop at its next checkpoint, waits for
   * them as long as {@link EngineConfig#stopGrace()} says, releases what did not end, uncharged,
   * and takes the node out. The beat ends last.
   */
  @Override
  public void close() throws InterruptedException {
    if (stopped) {
      return;
    }
    stopped = true;
    attempts.held().stream().filter(Attempt::endsProcess).findFirst().ifPresent(Engine::die);
    claims.stop();
    attempts.held().forEach(a -> a.ask(StopReason.NODE_STOPS));
    CrashPoint.STOP_ASKED.pass();
    awaitEnds(config.stopGrace());
    attempts.held().forEach(Attempt::interrupt);
    awaitEnds(config.beat());
    attempts.held().stream().filter(a -> !a.hasEnded()).forEach(attempts::abandon);
    claimLoop.stop();
    claimLoop.join(CLAIM_JOIN_MAX);
    claims.reconcileLast();
    if (!settled(config.lease())) {
      LOG.warn("the store did not take the last ends; the next start will find those tasks");
    }
    finishLoop.stop();
    upkeepLoop.stop();
    doctorLoop.stop();
    watchdog.stop();
    machineLoop.stop();
    leave();
  }

  /**
   * A handler that ends the process waits for this very stop. Released uncharged, its task would
   * end one node after the other: so the node dies with its leases, as it would by any other crash.
   */
  private static void die(Attempt attempt) {
    LOG.error(
        "task {}: its handler has called System.exit; the node ends at once, and others take over",
        attempt.claim().task());
    Runtime.getRuntime().halt(EXITED);
  }

  private void awaitEnds(Duration most) throws InterruptedException {
    long deadline = threads.nanos() + most.toNanos();
    while (attempts.held().stream().anyMatch(a -> !a.hasEnded()) && threads.nanos() < deadline) {
      attempts.held().forEach(a -> a.ask(StopReason.NODE_STOPS)); // a claim may have just landed
      boolean _ = changed.await(Duration.ofMillis(20));
    }
  }

  /** {@return whether the store has the ends of all} An attempt is held until it has. */
  private boolean settled(Duration most) throws InterruptedException {
    long deadline = threads.nanos() + most.toNanos();
    while (!attempts.held().isEmpty() && threads.nanos() < deadline) {
      boolean _ = changed.await(Duration.ofMillis(20));
    }
    return attempts.held().isEmpty();
  }

  private void leave() throws InterruptedException {
    Boot last = session.boot();
    session.stop();
    sessionLoop.stop();
    sessionLoop.join(JOIN_MAX);
    last.end();
    CrashPoint.LEAVING.pass();
    try {
      ports.sessions().leave(last.id());
    } catch (RuntimeException e) {
      LOG.warn("could not take leave ({}); the others will notice", e.getMessage());
    }
  }
}
