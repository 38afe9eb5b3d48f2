package dev.batchyard.engine.run;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.LeaseLost;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.AwayErrors;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.ParameterCodec;
import dev.batchyard.engine.port.Splits;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.task.AttemptEnd;
import dev.batchyard.engine.task.Decisions;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.StopReason;
import dev.batchyard.engine.task.Verdict;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The attempts of this node, from the claim until the end is stored. Handlers run on virtual
 * threads. Thread-safe.
 */
final class Attempts {

  private final TaskTypes types;
  private final ParameterCodec codec;
  private final Work work;
  private final AwayErrors awayErrors;
  private final Surroundings surroundings;
  private final String node;
  private final FinishLoop ends;
  private final Signal changed;
  private final Slots slots;
  private final ErrorRules rules;
  private final Pace pace;
  private final Leaks leaks = new Leaks();
  private final Map<Key, Attempt> held = new ConcurrentHashMap<>();

  /** Whether any was held since the watchdog last asked, and whether it waits for one. */
  private volatile boolean heldAny;

  private volatile boolean unwatched;
  private final Signal first;

  /** The last that came as one: another is claimed only when it is none any more. */
  private volatile @Nullable Attempt suspect;

  /** What handlers write and ask beside their work. */
  record Work(Steps steps, Splits splits) {}

  Attempts(
      TaskTypes types,
      ParameterCodec codec,
      Work work,
      AwayErrors awayErrors,
      Surroundings surroundings,
      String node,
      FinishLoop ends,
      Signal changed,
      Slots slots,
      ErrorRules rules) {
    this.types = types;
    this.codec = codec;
    this.work = work;
    this.awayErrors = awayErrors;
    this.surroundings = surroundings;
    this.node = node;
    this.ends = ends;
    this.changed = changed;
    this.slots = slots;
    this.rules = rules;
    this.first = new Signal(surroundings.threads());
    this.pace = new Pace(types.leaseMaxByName(), slots.size());
    ends.onSettled(this::settled);
  }

  /** Takes a claim into memory; from here on reconciliation leaves it alone. */
  void hold(Attempt attempt) {
    held.put(Key.of(attempt.claim()), attempt);
    if (attempt.isSuspect()) {
      suspect = attempt;
    }
    heldAny = true;
    if (unwatched) {
      first.raise();
    }
  }

  /** Starts it now or as soon as a slot is free. */
  void startInTurn(Attempt attempt) {
    if (slots.enter(attempt)) {
      start(attempt);
    }
  }

  /** Gives back those that wait for a slot and were claimed before this instant. */
  void giveBackWaiting(long claimedBeforeNs) {
    List<Attempt> late = slots.withdrawSince(claimedBeforeNs);
    if (!late.isEmpty()) {
      pace.stall();
    }
    late.forEach(this::giveBack);
  }

  /** {@return how many tasks of each type may be claimed now} See {@link Pace#wanted}. */
  Map<String, Integer> wanted() {
    return pace.wanted(slots.free(), slots.waiting());
  }

  /** {@return the same of a node that has yielded} See {@link Pace#wanted(int, int, double)}. */
  Map<String, Integer> wanted(double share) {
    return pace.wanted(slots.free(), slots.waiting(), share);
  }

  /** Calls the handler on a virtual thread. */
  private void start(Attempt attempt) {
    surroundings.threads().startHandler("task-" + attempt.claim().task(), () -> runOnce(attempt));
  }

  /**
   * Calls the handler on a thread of its own, unless the virtual one has begun meanwhile. Handlers
   * that compute for long never leave the few threads that carry all virtual ones, and nobody else
   * gets there.
   */
  void startElsewhere(Attempt attempt) {
    surroundings
        .threads()
        .startHandlerApart("task-" + attempt.claim().task(), () -> runOnce(attempt));
  }

  private void runOnce(Attempt attempt) {
    if (attempt.begin(surroundings.threads().current())) {
      try {
        run(attempt);
      } finally {
        attempt.returned();
        leaks.returned(attempt);
        release(attempt);
      }
    }
  }

  /** Gives back, uncharged, a claim that is held and whose handler has not been called. */
  void giveBack(Attempt attempt) {
    attempt.ask(StopReason.NODE_STOPS);
    report(attempt, new AttemptEnd.Stopped(), rules::known);
  }

  /**
   * Ends an attempt whose handler does not obey. Its thread goes on as a leak, its slot is free,
   * and whatever it still writes is refused. The rules of its policy are as last read: whoever asks
   * this must not wait.
   */
  void abandon(Attempt attempt) {
    attempt.openLog().error("the handler did not stop when asked; the attempt is abandoned");
    if (report(attempt, new AttemptEnd.Stopped(), rules::known)) {
      release(attempt);
      if (attempt.begun()) {
        leaks.add(attempt);
      }
    }
  }

  /** {@return the handlers that were given up and go on} */
  Leaks leaks() {
    return leaks;
  }

  /** Reads the rules again, for those that will be abandoned. */
  void refreshRules() {
    rules.refresh();
  }

  int running() {
    return slots.running();
  }

  /** {@return how many more attempts could start at once} */
  int freeSlots() {
    return slots.free();
  }

  /** {@return how many claimed tasks wait for a slot} */
  int waiting() {
    return slots.waiting();
  }

  /** {@return how many attempts are held, whose ends are not stored yet} */
  int count() {
    return held.size();
  }

  /** {@return whether any attempt is held, or was since the last call} */
  boolean takeHeldAny() {
    boolean any = heldAny || !held.isEmpty();
    heldAny = false;
    return any;
  }

  /** Waits until an attempt is held, at most this long. */
  void awaitFirst(Duration most) throws InterruptedException {
    unwatched = true;
    try {
      if (held.isEmpty()) {
        boolean _ = first.await(most);
      }
    } finally {
      unwatched = false;
    }
  }

  /** {@return whether a suspect runs} One that moves has shown that it is none. */
  boolean anySuspect() {
    Attempt last = suspect;
    return last != null && last.isSuspect();
  }

  /** {@return whether a suspect runs that must run alone} */
  boolean anyAlone() {
    Attempt last = suspect;
    return last != null && last.claim().alone() && last.isSuspect();
  }

  Collection<Attempt> held() {
    return held.values();
  }

  /** {@return the tasks whose attempts are held under this boot} */
  Set<Long> heldTasks(Boot boot) {
    return held.values().stream()
        .filter(attempt -> attempt.boot() == boot)
        .map(attempt -> attempt.claim().task())
        .collect(Collectors.toSet());
  }

  /** Asks one attempt to stop; nothing happens if it has just ended. */
  void ask(long task, StopReason reason) {
    for (Attempt attempt : held.values()) {
      if (attempt.claim().task() == task) {
        attempt.ask(reason);
      }
    }
  }

  /** Drops every attempt of this boot: it no longer owns them. */
  void drop(Boot boot) {
    for (Attempt attempt : held.values()) {
      if (attempt.boot() == boot) {
        attempt.ask(StopReason.LEASE_LOST);
        attempt.interrupt();
      }
    }
  }

  private void run(Attempt attempt) {
    AttemptEnd end;
    if (attempt.stop() != StopReason.NONE) {
      end = new AttemptEnd.Stopped();
    } else if (attempt.late().isPresent()) {
      end = new AttemptEnd.Threw(attempt.late().get(), false);
    } else {
      attempt
          .openLog()
          .begin("task_start attempt=" + attempt.claim().counters().attempt() + " node=" + node);
      end = call(attempt);
      CrashPoint.HANDLER_ENDED.pass();
    }
    report(attempt, end, rules::added);
  }

  private AttemptEnd call(Attempt attempt) {
    Insistence insistence = new Insistence(attempt, surroundings.threads());
    AttemptParts parts = new AttemptParts(attempt, work.splits(), types, codec, insistence, node);
    attempt.call(new AttemptSteps(attempt, work.steps(), types, codec, insistence), parts);
    try {
      TaskType<?> type = types.get(attempt.claim().type());
      Optional<AttemptEnd> before = type.splits() ? parts.look() : Optional.empty();
      if (before.isPresent()) {
        return before.get();
      }
      return switch (invoke(type, attempt)) {
        case Outcome.IntoParts(var split) -> parts.split(type, split);
        case Outcome.Completed(var result) -> new AttemptEnd.Completed(codec.encodeResult(result));
        case Outcome.Snoozed(var delay) -> new AttemptEnd.Snoozed(delay);
        case Outcome.Stopped() -> stoppedOrSpurious(attempt);
      };
    } catch (LeaseLost e) {
      return new AttemptEnd.LostLease();
    } catch (Throwable e) { // whatever a handler throws is its task's failure, not the node's
      return attempt.interrupted()
          ? new AttemptEnd.Stopped() // what an interrupted handler throws says nothing of its work
          : threw(attempt, e);
    }
  }

  /** Only the engine interrupts, and an end that it forces says nothing of the work. */
  private AttemptEnd threw(Attempt attempt, Throwable thrown) {
    Failure why = Failure.of(thrown);
    if (thrown instanceof FinalFailure) {
      return new AttemptEnd.Threw(why, false);
    }
    try {
      return awayErrors.sayAway(thrown) && attempt.storeWasAway()
          ? new AttemptEnd.StoreAway(
              new Failure(why.kind(), "the database was away: " + why.message(), why.trace()))
          : new AttemptEnd.Threw(why, true);
    } catch (InterruptedException e) {
      return new AttemptEnd.Stopped();
    }
  }

  /** A handler that stops unasked would be released and claimed for ever. */
  private static AttemptEnd stoppedOrSpurious(Attempt attempt) {
    if (attempt.stopRequested()) {
      return new AttemptEnd.Stopped();
    }
    return new AttemptEnd.Threw(
        Failure.of(new IllegalStateException("the handler said stopped, but nobody had asked")),
        true);
  }

  private <P extends Record> Outcome invoke(TaskType<P> type, Attempt attempt) throws Exception {
    P params = codec.decode(type.params(), attempt.claim().paramsJson());
    return type.handler().run(params, attempt);
  }

  /** Reports the end once; {@return whether this call did}. */
  private boolean report(Attempt attempt, AttemptEnd end, UnaryOperator<RetryPolicy> addRules) {
    if (!attempt.end()) {
      return false;
    }
    if (attempt.begun()) {
      pace.tell(attempt.claim().type(), attempt.ran());
    }
    StopReason stop = attempt.boot().inDoubt() ? StopReason.LEASE_LOST : attempt.stop();
    Verdict verdict = decide(end, stop, attempt.claim(), attempt.claim().retry());
    if (verdict instanceof Verdict.Retry || verdict instanceof Verdict.Spare) {
      verdict = decide(end, stop, attempt.claim(), addRules.apply(attempt.claim().retry()));
    }
    tell(attempt, verdict);
    attempt.openLog().close();
    switch (verdict) {
      case Verdict.Drop() -> {
        ends.refused();
        settled(List.of(attempt.claim()));
      }
      case Verdict.Wait() -> settled(List.of(attempt.claim())); // its end is stored
      default ->
          ends.add(new Finish(attempt.claim(), verdict, node, attempt.ran(), attempt.called()));
    }
    return true;
  }

  private Verdict decide(AttemptEnd end, StopReason stop, Claim claim, RetryPolicy policy) {
    return Decisions.after(end, stop, claim.counters(), policy, surroundings.random());
  }

  private static void tell(Attempt attempt, Verdict verdict) {
    var log = attempt.openLog();
    long ms = attempt.ran().toMillis();
    switch (verdict) {
      case Verdict.Complete(var ignored) -> log.endQuietly("task_completion after " + ms + " ms");
      case Verdict.Fail(var why) -> log.error("task_error " + why.told());
      case Verdict.Retry(var delay, var why) ->
          log.error("task_error %s; again in %d ms".formatted(why.told(), delay.toMillis()));
      case Verdict.Snooze(var delay) -> log.info("snoozed for " + delay.toMillis() + " ms");
      case Verdict.Release() -> log.info("released uncharged after " + ms + " ms");
      case Verdict.Spare(var charge) -> log.warn("released: " + why(charge).message());
      case Verdict.Pause() -> log.info("paused after " + ms + " ms");
      case Verdict.Cancel() -> log.info("cancelled after " + ms + " ms");
      case Verdict.Wait() -> log.info("waits for its parts after " + ms + " ms");
      case Verdict.Drop() -> log.warn("the lease is lost; this attempt writes nothing more");
    }
  }

  private static Failure why(Verdict charge) {
    return switch (charge) {
      case Verdict.Retry(var ignored, var why) -> why;
      case Verdict.Fail(var why) -> why;
      default -> throw new IllegalArgumentException("not a charge: " + charge);
    };
  }

  /** Frees its slot; the claiming thread is woken only if it may have something to do. */
  private void release(Attempt attempt) {
    slots.leave(attempt).ifPresent(this::start);
    if (pace.runsLow(attempt.claim().type(), slots.waiting())) {
      changed.raise();
    }
  }

  private void settled(List<Claim> claims) {
    claims.forEach(claim -> held.remove(Key.of(claim)));
    changed.raise();
  }

  /** A task may be ours again under a new lease before the end under the old one is settled. */
  private record Key(long lease, long task) {
    static Key of(Claim claim) {
      return new Key(claim.lease(), claim.task());
    }
  }
}
