package dev.batchyard.engine.run;

import dev.batchyard.api.DurableStep;
import dev.batchyard.api.LeaseLost;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.Part;
import dev.batchyard.api.Parts;
import dev.batchyard.api.Progress;
import dev.batchyard.api.TaskContext;
import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.AttemptLogs.OpenLog;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.task.Eta;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.StopReason;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** One execution of a task on this node, under one lease; what its handler sees of the engine. */
final class Attempt implements TaskContext {

  private final Claim claim;
  private final Boot boot;
  private final OpenLog log;
  private final LongSupplier nanos;
  private final Eta eta;
  private final AtomicReference<Asked> asked;
  private final AtomicBoolean ended = new AtomicBoolean();
  private final AtomicBoolean slot = new AtomicBoolean();
  private final AtomicBoolean taken = new AtomicBoolean();
  private volatile Progress progress;
  private volatile Threads.@Nullable Running thread;
  private final long claimedNs;
  private volatile long startedNs;
  private volatile boolean interrupted;
  private volatile boolean called;
  private volatile boolean returned;
  private boolean seenUnbegun;
  private volatile @Nullable AttemptSteps steps;
  private volatile @Nullable AttemptParts parts;

  /** Why it is to stop, and since when by the ticker: read together, or a new reason looks old. */
  private record Asked(StopReason reason, long sinceNs) {}

  Attempt(Claim claim, Boot boot, OpenLog log, LongSupplier nanos) {
    this.claim = claim;
    this.boot = boot;
    this.log = log;
    this.nanos = nanos;
    this.progress = claim.begun();
    this.eta = new Eta(claim.begun());
    this.claimedNs = nanos.getAsLong();
    this.startedNs = claimedNs;
    this.asked = new AtomicReference<>(new Asked(StopReason.NONE, claimedNs));
  }

  Claim claim() {
    return claim;
  }

  Boot boot() {
    return boot;
  }

  StopReason stop() {
    return asked.get().reason();
  }

  /** Called before the handler, on the thread that is to call it; {@return whether it is to} */
  boolean begin(Threads.Running own) {
    if (!taken.compareAndSet(false, true)) {
      return false; // another thread was faster
    }
    startedNs = nanos.getAsLong();
    thread = own;
    return true;
  }

  /**
   * {@return whether it holds a slot and has not begun, as at the last call} Called by one thread.
   */
  boolean isStranded() {
    boolean unbegun = slot.get() && !begun();
    boolean stranded = unbegun && seenUnbegun;
    seenUnbegun = unbegun;
    return stranded;
  }

  /** {@return whether its handler has called {@link System#exit}, which never returns} */
  boolean endsProcess() {
    Threads.Running running = thread;
    return running != null
        && running.stack().stream()
            .anyMatch(frame ->
                frame.getClassName().equals(Runtime.class.getName())
                    && frame.getMethodName().equals("exit"));
  }

  boolean begun() {
    return thread != null;
  }

  /** From here on its handler runs, with these durable steps and these parts. */
  void call(AttemptSteps durable, AttemptParts ofTask) {
    steps = durable;
    parts = ofTask;
    called = true;
  }

  /** {@return whether its handler was called} One that was stopped before never is. */
  boolean called() {
    return called;
  }

  /** Its handler has returned or thrown, whatever had become of the attempt by then. */
  void returned() {
    returned = true;
  }

  boolean hasReturned() {
    return returned;
  }

  long claimedNs() {
    return claimedNs;
  }

  /** {@return whether what it has just failed by may be the store's absence} Waits to know. */
  boolean storeWasAway() throws InterruptedException {
    return boot.storeWasAway(claimedNs);
  }

  /** {@return why its handler must not be called any more; empty if it may} */
  Optional<Failure> late() {
    return claim.limits().late(held());
  }

  /** Asks the handler to stop if a limit of its task has passed. */
  void askIfOvertime() {
    if (begun()) {
      ask(claim.limits().overtime(held(), ran()));
    }
  }

  private Duration held() {
    return Duration.ofNanos(nanos.getAsLong() - claimedNs);
  }

  Duration ran() {
    return Duration.ofNanos(nanos.getAsLong() - startedNs);
  }

  /** Asks the handler to stop; the strongest reason stands, and the first time it was asked. */
  void ask(StopReason reason) {
    if (stop().compareTo(reason) < 0) {
      Asked now = new Asked(reason, nanos.getAsLong());
      asked.accumulateAndGet(now, (a, b) -> a.reason().compareTo(b.reason()) >= 0 ? a : b);
    }
  }

  /** {@return how long ago its present reason to stop came up; none if there is none} */
  Duration askedFor() {
    Asked now = asked.get();
    return now.reason() == StopReason.NONE
        ? Duration.ZERO
        : Duration.ofNanos(nanos.getAsLong() - now.sinceNs());
  }

  /** Interrupts the handler, once. */
  void interrupt() {
    Threads.Running running = thread;
    if (running != null && !interrupted) {
      interrupted = true;
      running.interrupt();
    }
  }

  boolean interrupted() {
    return interrupted;
  }

  /** {@return whether its node died before while it ran, and it has not moved since its claim} */
  boolean isSuspect() {
    return claim.counters().crashes() > 0
        && !ended.get()
        && progress.items() <= claim.begun().items();
  }

  /** {@return true for the first caller only: it alone reports the end} */
  boolean end() {
    return ended.compareAndSet(false, true);
  }

  /** It holds a slot from now on. Only {@link Slots} calls this. */
  void takeSlot() {
    slot.set(true);
  }

  /** {@return true if it held a slot, which it no longer does} Only {@link Slots} calls this. */
  boolean giveSlot() {
    return slot.compareAndSet(true, false);
  }

  boolean hasEnded() {
    return ended.get();
  }

  Progress lastProgress() {
    return progress;
  }

  /** Called once a second by one thread. */
  Eta observed() {
    eta.observe(progress, ran());
    return eta;
  }

  OpenLog openLog() {
    return log;
  }

  @Override
  public LeaseToken lease() {
    return new LeaseToken(claim.task(), claim.counters().attempt(), claim.token());
  }

  @Override
  public int generation() {
    return claim.counters().generation();
  }

  @Override
  public boolean stopRequested() {
    return stop() != StopReason.NONE || boot.inDoubt();
  }

  @Override
  public void effect() {
    if (ended.get() || stop() == StopReason.LEASE_LOST || !boot.gateOpen()) {
      throw new LeaseLost(claim.task());
    }
    CrashPoint.EFFECT_ALLOWED.pass();
  }

  @Override
  public <R extends Record> R step(DurableStep<R> step) throws Exception {
    return steps().run(step);
  }

  @Override
  public void slowDown(Duration retryAfter) {
    steps().slowDown(Optional.empty(), retryAfter);
  }

  @Override
  public void slowDown(String pool, Duration retryAfter) {
    steps().slowDown(Optional.of(pool), retryAfter);
  }

  @Override
  public Optional<Parts> parts() {
    return ofTask().parts();
  }

  @Override
  public Part part() {
    return ofTask().part();
  }

  private AttemptParts ofTask() {
    return Objects.requireNonNull(parts, "its handler has not been called");
  }

  private AttemptSteps steps() {
    return Objects.requireNonNull(steps, "its handler has not been called");
  }

  @Override
  public void progress(Progress newProgress) {
    CrashPoint.PROGRESS_MADE.pass();
    progress = newProgress;
  }

  @Override
  public OpenLog log() {
    return log;
  }
}
