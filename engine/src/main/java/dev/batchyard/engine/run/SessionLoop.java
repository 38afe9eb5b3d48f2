package dev.batchyard.engine.run;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.BootFenced;
import dev.batchyard.engine.port.NameTaken;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.SessionLost;
import dev.batchyard.engine.port.Sessions;
import dev.batchyard.engine.task.StopReason;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the node's session: one beat a second on a connection of its own, or one in two seconds by
 * a node that rests among many, and wake-ups in between. A lost connection closes the effect gate
 * at once and is opened again; a fenced boot is dropped and a new one begins, as soon as no other
 * node has its name. Its step is one session, from opening to loss.
 */
final class SessionLoop implements Loop.Step {

  private static final Logger LOG = LoggerFactory.getLogger(SessionLoop.class);

  private final EngineConfig config;
  private final Sessions sessions;
  private final TaskTypes types;
  private final Attempts attempts;
  private final FinishLoop ends;
  private final MachineLoop machine;
  private final Turns turns;
  private final Signal wake;
  private final Chores chores;
  private final Threads threads;
  private final LongSupplier nanos;
  private final Supplier<UUID> ids;
  private final Consumer<UUID> bootChanged;
  private final CompletableFuture<@Nullable Void> begun = new CompletableFuture<>();
  private final CompletableFuture<@Nullable Void> drained = new CompletableFuture<>();
  private final Signal patience;
  private volatile Boot boot;
  private volatile boolean stopped;
  private volatile boolean resting;
  private volatile boolean owning;
  private NodeSession.Cordon cordon = NodeSession.Cordon.NONE;
  private boolean worked;
  private boolean lost;

  SessionLoop(
      EngineConfig config,
      EnginePorts ports,
      TaskTypes types,
      Attempts attempts,
      FinishLoop ends,
      Signals signals,
      Surroundings surroundings,
      Consumer<UUID> bootChanged) {
    this.config = config;
    this.sessions = ports.sessions();
    this.types = types;
    this.attempts = attempts;
    this.ends = ends;
    this.machine = signals.machine();
    this.turns = signals.turns();
    this.wake = signals.wake();
    this.chores = signals.chores();
    this.threads = surroundings.threads();
    this.nanos = threads::nanos;
    this.ids = surroundings.ids();
    this.bootChanged = bootChanged;
    this.patience = new Signal(threads);
    this.boot = newBoot();
  }

  /** What woke loops wait for, and what is told of the machine. */
  record Signals(Signal wake, Chores chores, MachineLoop machine, Turns turns) {}

  /** {@return the boot under which new claims are made} */
  Boot boot() {
    return boot;
  }

  /** The next beat that ends is the last. */
  void stop() {
    stopped = true;
  }

  /** While claims rest, beats look for what is due, and wake them. */
  void rest(boolean claimsRest) {
    resting = claimsRest;
  }

  /** {@return whether leases of the boot were stored at the last beat} */
  boolean owning() {
    return owning;
  }

  @Override
  public void runOnce() throws InterruptedException {
    Boot current = boot;
    worked = false;
    try (NodeSession session = open(current)) {
      LOG.debug("session open, boot {}", current.id());
      CrashPoint.SESSION_OPENED.pass();
      begun.complete(null);
      keep(session, current);
    } catch (SessionLost e) {
      lost = true;
      throw e;
    } catch (NameTaken e) {
      begun.completeExceptionally(e);
      throw e;
    } catch (BootFenced e) {
      LOG.warn("{}; whatever it held belongs to others, a new boot begins", e.getMessage());
      current.end();
      attempts.drop(current);
      boot = newBoot();
    } finally {
      begun.complete(null); // if it is not over yet
      current.disconnected();
    }
  }

  /**
   * Opens the session. A namesake that does not beat while it is looked at has died, and its lock
   * goes or its lease lapses; only one that beats keeps the name.
   */
  private NodeSession open(Boot current) throws InterruptedException {
    bootChanged.accept(current.id());
    Optional<NameTaken> before = Optional.empty();
    while (true) {
      try {
        return sessions.open(registration(current));
      } catch (NameTaken e) {
        if (before.filter(e::beatsSince).isPresent()) {
          throw e;
        }
        before = before.or(() -> Optional.of(e));
      }
      boolean _ = patience.await(config.beat().dividedBy(4));
    }
  }

  /**
   * Waits until a session was opened, or the store was found to be away.
   *
   * @throws NameTaken if another node of this name lives
   */
  void awaitBegun() throws InterruptedException {
    try {
      begun.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof NameTaken taken ? taken : new IllegalStateException(e);
    }
  }

  private Boot newBoot() {
    return new Boot(ids.get(), threads, config.beat(), config.doubtAfter());
  }

  private void keep(NodeSession session, Boot current) throws InterruptedException {
    long openedNs = nanos.getAsLong();
    long lookedAllNs = openedNs - config.lease().toNanos();
    // after an outage all nodes open their sessions at once, and would beat at once for ever
    long pauseNs = Math.floorMod(current.id().getLeastSignificantBits(), config.beat().toNanos());
    while (!stopped) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      long sentNs = nanos.getAsLong();
      boolean mayFence = sentNs - openedNs > config.lease().toNanos();
      NodeSession.Look look = look(sentNs - lookedAllNs);
      if (look == NodeSession.Look.ALL) {
        lookedAllNs = sentNs;
      }
      NodeSession.Beat beat = beat(session, mayFence, look);
      CrashPoint.BEAT_ANSWERED.pass();
      if (beat.releasable()) {
        CrashPoint.FENCED_SEEN.pass();
      }
      current.renewed(sentNs);
      owning = beat.owning();
      turns.stand(machine.use(), beat.lighter());
      heed(beat.cordon());
      noteOpen();
      for (NodeSession.StopRequest request : beat.requests()) {
        attempts.ask(request.task(), request.cancel() ? StopReason.CANCEL : StopReason.PAUSE);
      }
      chores.tell(beat.releasable(), beat.expiring());
      awaitNextBeat(session, sentNs + pauseNs, spareNs(beat), beat.due());
      pauseNs = config.beat().toNanos();
    }
  }

  /** Asked again and again: a claim that was under way may have just landed. */
  private void heed(NodeSession.Cordon now) {
    if (cordon != now) {
      LOG.info("{}", words(now));
    }
    cordon = now;
    if (now == NodeSession.Cordon.DRAINS || now == NodeSession.Cordon.ENDS) {
      attempts.held().forEach(attempt -> attempt.ask(StopReason.NODE_STOPS));
    }
    if (now == NodeSession.Cordon.ENDS && !owning && attempts.count() == 0) {
      drained.complete(null);
    }
  }

  private static String words(NodeSession.Cordon cordon) {
    return switch (cordon) {
      case NONE -> "the cordon is lifted: this node claims again";
      case STANDS -> "this node is cordoned: it claims nothing more";
      case DRAINS -> "this node is drained: its attempts hand over at their next checkpoints";
      case ENDS -> "this node is drained, and ends when it holds nothing any more";
    };
  }

  /** {@return done when the node holds nothing and a person wants it to end then} */
  CompletableFuture<@Nullable Void> drained() {
    return drained;
  }

  /** What came late, or back, has an old due time; others wake for it, so once a lease will do. */
  private NodeSession.Look look(long sinceAllNs) {
    if (!resting) {
      return NodeSession.Look.NONE;
    }
    return sinceAllNs < config.lease().toNanos() ? NodeSession.Look.RECENT : NodeSession.Look.ALL;
  }

  private void noteOpen() {
    if (lost) {
      LOG.info("the session is open again");
    }
    lost = false;
    worked = true;
  }

  @Override
  public boolean hadWorked() {
    return worked;
  }

  private NodeSession.Beat beat(NodeSession session, boolean mayFence, NodeSession.Look look) {
    long refused = ends.takeRefused();
    try {
      return session.beat(mayFence, refused, look, machine.pulse(attempts.running()));
    } catch (RuntimeException e) {
      ends.giveBackRefused(refused);
      throw e;
    }
  }

  /** Of many nodes, those that rest beat half as often: the others look at what waits meanwhile. */
  private long spareNs(NodeSession.Beat beat) {
    return resting && beat.crowded() ? config.beat().toNanos() : 0;
  }

  private void awaitNextBeat(
      NodeSession session, long soonestNs, long spareNs, Optional<Duration> due) {
    long nextNs = soonestNs + spareNs;
    long dueNs = nanos.getAsLong() + due.orElse(config.lease()).toNanos();
    boolean awaitsDue = due.isPresent();
    while (!stopped) {
      long nowNs = nanos.getAsLong();
      if (awaitsDue && dueNs - nowNs <= 0) {
        awaitsDue = false;
        nextNs = soonestNs; // what it may start now is to be asked to stop in time
        wake.raise();
      }
      long left = Math.min(nextNs - nowNs, awaitsDue ? dueNs - nowNs : Long.MAX_VALUE);
      if (left <= 0) {
        return;
      }
      if (session.awaitWake(Duration.ofNanos(left))) {
        nextNs = soonestNs;
        wake.raise();
      }
    }
  }

  private NodeRegistration registration(Boot current) {
    return new NodeRegistration(
        current.id(),
        config.name(),
        config.host(),
        config.pid(),
        config.version(),
        types.names(),
        config.slots(),
        config.traits());
  }
}
