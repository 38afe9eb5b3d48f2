package dev.batchyard.engine.run;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.Arrivals;
import dev.batchyard.engine.port.AttemptLogs;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.Lock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims what can start soon and hands it out. Quick types are leased many at a time and wait here
 * for a slot; what waits for too long, or on stop, is given back. The same thread reconciles leases
 * with memory, so that a claim in flight is never taken for one whose answer was lost. When nothing
 * has happened for two beats it rests: then beats look for what is due, in the statement that they
 * are anyway.
 *
 * <p>A task that is submitted in this process while the node has nothing to do is claimed by the
 * statement that stores it, on the thread that submits: see {@link #arrive}.
 */
final class ClaimLoop implements Loop.Step {

  private static final Logger LOG = LoggerFactory.getLogger(ClaimLoop.class);

  /** Ends that are not stored yet hold the claim back at this many. */
  private static final int HELD_MAX = 6 * Claims.BATCH_MAX;

  /** A node that could not make room for a task that runs alone goes on for so many leases. */
  private static final int LEASES_BETWEEN_ROOMS = 10;

  private final EngineConfig config;
  private final Claims claims;
  private final Arrivals arrivals;
  private final AttemptLogs logs;
  private final SessionLoop session;
  private final Attempts attempts;
  private final Signal changed;
  private final Turns turns;
  private final LongSupplier nanos;
  private final Supplier<UUID> ids;

  /**
   * Held from before a claim is sent until what it brought is held, and while both are compared.
   */
  private final Lock claiming;

  private final Duration reconcileEvery;
  private final Duration restAfter;
  private long reconciledNs;
  private long stirredNs;
  private long roomUntilNs;
  private long suspectsFromNs;
  private volatile boolean answerLost;

  /** Whether the last look found nothing that the node may run. */
  private volatile boolean foundNothing;

  private volatile boolean stopping;

  ClaimLoop(
      EngineConfig config,
      EnginePorts ports,
      SessionLoop session,
      Attempts attempts,
      Signals signals,
      Surroundings surroundings) {
    this.config = config;
    this.claims = ports.claims();
    this.arrivals = ports.arrivals();
    this.logs = ports.logs();
    this.session = session;
    this.attempts = attempts;
    this.changed = signals.changed();
    this.turns = signals.turns();
    this.nanos = surroundings.threads()::nanos;
    this.ids = surroundings.ids();
    this.claiming = surroundings.threads().newLock();
    this.reconcileEvery = config.beat().multipliedBy(5);
    this.restAfter = config.beat().multipliedBy(2);
    this.reconciledNs = nanos.getAsLong();
    this.stirredNs = reconciledNs;
    this.roomUntilNs = reconciledNs;
    this.suspectsFromNs = reconciledNs;
  }

  /** What it waits for, and whether it is its turn. */
  record Signals(Signal changed, Turns turns) {}

  /**
   * No claim begins after this, and what one brings that is under way goes back at once; so does
   * what waits, by the loop's last steps.
   */
  void stop() {
    stopping = true;
    changed.raise();
  }

  /**
   * Gives back what a claim has taken whose answer was lost, if there was one. To be called when
   * the loop has ended; nobody would look for it any more.
   */
  void reconcileLast() {
    claiming.lock(); // the last that arrives may be under way
    try {
      if (answerLost) {
        reconcileIfDue(session.boot());
      }
    } catch (RuntimeException e) {
      LOG.warn("what a lost answer brought was not given back ({}); others will", e.getMessage());
    } finally {
      claiming.unlock();
    }
  }

  @Override
  public void runOnce() throws InterruptedException {
    if (stopping) {
      attempts.giveBackWaiting(nanos.getAsLong());
      boolean _ = changed.await(config.poll());
      return;
    }
    Boot boot = session.boot();
    if (!boot.gateOpen()) {
      boolean _ = changed.await(config.poll());
      stirredNs = nanos.getAsLong();
      return;
    }
    Duration yields;
    claiming.lock();
    try {
      reconcileIfDue(boot);
      attempts.giveBackWaiting(nanos.getAsLong() - Pace.GIVE_BACK_AFTER.toNanos());
      yields = turns.yields();
      if (yields.isZero() ? claim(boot, Set.of()) : claimOnlyHere(boot)) {
        stirredNs = nanos.getAsLong();
        return;
      }
    } finally {
      claiming.unlock();
    }
    if (!yields.isZero()) {
      boolean _ = changed.await(yields);
      return;
    }
    Duration poll = attempts.waiting() == 0 ? config.poll() : Pace.GIVE_BACK_AFTER;
    Optional<Duration> again = claims.again().filter(span -> span.compareTo(poll) < 0);
    if (again.isPresent()) {
      boolean _ = changed.await(again.get());
    } else if (nanos.getAsLong() - stirredNs >= restAfter.toNanos() && attempts.count() == 0) {
      rest(boot);
    } else if (changed.await(poll) || attempts.count() > 0) {
      stirredNs = nanos.getAsLong();
    }
  }

  /**
   * Until something comes, or the session goes; or a beat finds leases though none is held, which a
   * claim whose answer was lost has made.
   */
  private void rest(Boot boot) throws InterruptedException {
    session.rest(true);
    try {
      boolean woken = false;
      while (!woken && !stopping && boot.gateOpen() && !session.owning()) {
        woken = changed.await(config.poll());
      }
      answerLost |= session.owning();
    } finally {
      session.rest(false);
      stirredNs = nanos.getAsLong();
    }
  }

  /** While it yields, it claims what no node may run to which it yields. */
  private boolean claimOnlyHere(Boot boot) {
    Set<Integer> onlyHere = turns.onlyHere();
    return !onlyHere.isEmpty() && claim(boot, onlyHere);
  }

  /**
   * {@return whether anything was claimed}
   *
   * @param requirements see {@link Claims#claim}
   */
  private boolean claim(Boot boot, Set<Integer> requirements) {
    foundNothing = false;
    int free = Math.min(Claims.BATCH_MAX, HELD_MAX - attempts.count());
    Map<String, Integer> wanted =
        requirements.isEmpty()
            ? turns.share().map(attempts::wanted).orElseGet(attempts::wanted)
            : attempts.wanted();
    if (free < 1 || wanted.values().stream().allMatch(n -> n == 0) || attempts.anyAlone()) {
      return false;
    }
    long nowNs = nanos.getAsLong();
    boolean idle = attempts.count() == 0;
    if (!idle && nowNs - roomUntilNs < 0) {
      return false;
    }
    boolean suspects = idle || (nowNs - suspectsFromNs >= 0 && !attempts.anySuspect());
    List<Claim> claimed;
    try {
      claimed =
          claims.claim(
              boot.id(), ids.get(), wanted, free, attempts.freeSlots(), suspects, requirements);
    } catch (StoreUnavailable e) {
      answerLost = true; // it may have committed
      throw e;
    }
    foundNothing = claimed.isEmpty() && requirements.isEmpty();
    if (!claimed.isEmpty()) {
      CrashPoint.CLAIMED.pass();
    }
    for (Claim claim : claimed) {
      Attempt attempt = hold(claim, boot);
      if (stopping) {
        attempts.giveBack(attempt); // it came late: nobody waits for its handler any more
      } else if (claim.alone() && !idle) {
        makeRoom(attempt, nowNs);
      } else {
        if (claim.alone()) {
          suspectsFromNs = nowNs; // it was room enough
        }
        attempts.startInTurn(attempt);
      }
    }
    return !claimed.isEmpty();
  }

  private Attempt hold(Claim claim, Boot boot) {
    Attempt attempt =
        new Attempt(claim, boot, logs.open(claim.task(), claim.counters().attempt()), nanos);
    attempts.hold(attempt);
    CrashPoint.CLAIM_HELD.pass();
    return attempt;
  }

  /**
   * Submits a task that begins at once, if the node has nothing to do and has just looked in vain.
   * By the thread of whoever submits, and only while the claiming thread waits: nobody waits for
   * the other.
   *
   * @return the answer; empty if the task is to be submitted as any other
   * @throws StoreUnavailable if nobody knows whether it was stored: if it was, it goes back
   */
  Optional<Submitted> arrive(TaskDraft draft) {
    if (!foundNothing || attempts.count() > 0 || !claiming.tryLock()) {
      return Optional.empty();
    }
    try {
      Boot boot = session.boot();
      return mayBegin(draft, boot) ? Optional.of(begin(draft, boot)) : Optional.empty();
    } finally {
      claiming.unlock();
    }
  }

  private boolean mayBegin(TaskDraft draft, Boot boot) {
    return foundNothing
        && !changed.isRaised() // it is about to look
        && !stopping
        && boot.gateOpen()
        && turns.share().isEmpty() // it would yield
        && attempts.count() == 0
        && attempts.wanted().getOrDefault(draft.type(), 0) > 0;
  }

  private Submitted begin(TaskDraft draft, Boot boot) {
    Arrivals.Arrival arrival;
    try {
      arrival = arrivals.submit(boot.id(), ids.get(), draft);
    } catch (StoreUnavailable e) {
      answerLost = true;
      changed.raise();
      throw e;
    }
    arrival
        .claim()
        .ifPresent(claim -> {
          CrashPoint.CLAIMED.pass();
          Attempt attempt = hold(claim, boot);
          if (stopping) {
            attempts.giveBack(attempt);
          } else {
            attempts.startInTurn(attempt);
          }
        });
    return new Submitted(arrival.task(), true);
  }

  /**
   * Gives back what must run alone, and claims nothing until all others have ended, for a lease at
   * most: it is first in line and comes again, to this node or to another that is idle sooner. It
   * is not kept meanwhile, or it would be charged with a death of which it knows nothing.
   */
  private void makeRoom(Attempt attempt, long nowNs) {
    attempts.giveBack(attempt);
    roomUntilNs = nowNs + config.lease().toNanos();
    suspectsFromNs = nowNs + config.lease().multipliedBy(LEASES_BETWEEN_ROOMS).toNanos();
  }

  private void reconcileIfDue(Boot boot) {
    long nowNs = nanos.getAsLong();
    if (!answerLost && nowNs - reconciledNs < reconcileEvery.toNanos()) {
      return;
    }
    int released = claims.releaseUnheld(boot.id(), attempts.heldTasks(boot));
    CrashPoint.RECONCILED.pass();
    if (released > 0) {
      LOG.info(
          "{} that this node owned without knowing it went back",
          released == 1 ? "1 task" : released + " tasks");
    }
    reconciledNs = nowNs;
    answerLost = false;
  }
}
