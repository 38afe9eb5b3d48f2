package dev.batchyard.engine.run;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.Expiries;
import dev.batchyard.engine.port.RunningRows.RunningRow;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.task.Eta;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When a beat says so: rescues what dead nodes held, fails what has waited beyond a limit. Once a
 * beat: writes what people see of running tasks. Now and then: the store's own upkeep. One of these
 * that fails holds up no other.
 */
final class UpkeepLoop implements Loop.Step {

  private static final Logger LOG = LoggerFactory.getLogger(UpkeepLoop.class);
  private static final long STORE_UPKEEP_EVERY_NS = TimeUnit.MINUTES.toNanos(10);
  private static final long ROLL_UP_EVERY_NS = TimeUnit.SECONDS.toNanos(10);
  private static final long TELL_AGAIN_EVERY_NS = TimeUnit.MINUTES.toNanos(1);

  private static final int EXPIRE_PAGES_MAX = 10;
  private static final int PRUNE_STEPS_MAX = 5;

  /** Shorter attempts leave no trace beyond their outcome. */
  private static final Duration SHOWN_AFTER = Duration.ofSeconds(1);

  private final EngineConfig config;
  private final EnginePorts ports;
  private final Attempts attempts;
  private final FinishLoop ends;
  private final Chores chores;
  private final LongSupplier nanos;
  private final List<Chore> round;
  private long storeUpkeepNs;
  private long rolledUpNs;
  private long toldAgainNs;
  private long recordedNs;
  private boolean pruning;
  private boolean loose;

  UpkeepLoop(
      EngineConfig config,
      EnginePorts ports,
      Attempts attempts,
      FinishLoop ends,
      Chores chores,
      LongSupplier nanos) {
    this.config = config;
    this.ports = ports;
    this.attempts = attempts;
    this.ends = ends;
    this.chores = chores;
    this.nanos = nanos;
    this.storeUpkeepNs = nanos.getAsLong() - STORE_UPKEEP_EVERY_NS;
    this.rolledUpNs = nanos.getAsLong();
    this.toldAgainNs = nanos.getAsLong();
    this.recordedNs = nanos.getAsLong();
    this.round =
        List.of(
            new Chore("rescue", this::rescueOnce),
            new Chore("limits", this::expire),
            new Chore("running rows", this::recordRunning),
            new Chore("rules of retry policies", this::readRules),
            new Chore("ends set aside", this::tellAgain),
            new Chore("roll-up", this::rollUp),
            new Chore("partitions", this::storeUpkeep),
            new Chore("retention", this::prune));
  }

  @Override
  public void runOnce() throws InterruptedException {
    chores.await(config.beat());
    Optional<StoreUnavailable> away = Optional.empty();
    for (Chore chore : round) {
      Optional<StoreUnavailable> met = chore.run();
      away = away.isPresent() ? away : met;
    }
    if (away.isPresent()) {
      throw away.get();
    }
  }

  private void storeUpkeep() {
    if (nanos.getAsLong() - storeUpkeepNs >= STORE_UPKEEP_EVERY_NS) {
      ports.upkeep().runOnce();
      storeUpkeepNs = nanos.getAsLong();
      pruning = true;
      ports.upkeep().rollUp(); // what others noted that live no more
    }
  }

  /** By nodes that end tasks: one that is idle leaves it to them. */
  private void rollUp() {
    loose |= ends.takeStored();
    if (loose && nanos.getAsLong() - rolledUpNs >= ROLL_UP_EVERY_NS) {
      ports.upkeep().rollUp();
      rolledUpNs = nanos.getAsLong();
      loose = false;
    }
  }

  private void readRules() {
    if (attempts.count() > 0) {
      attempts.refreshRules();
    }
  }

  private void tellAgain() {
    if (nanos.getAsLong() - toldAgainNs >= TELL_AGAIN_EVERY_NS) {
      ends.tellAgain();
      toldAgainNs = nanos.getAsLong();
    }
  }

  private void prune() {
    for (int steps = 0; pruning && steps < PRUNE_STEPS_MAX; steps++) {
      pruning = ports.upkeep().prune();
    }
  }

  /** One page a round: what many dead nodes held comes back as a ramp, not as a flood. */
  private void rescueOnce() {
    if (!chores.takeRescue()) {
      return;
    }
    int rescued = ports.rescues().rescue();
    if (rescued > 0) {
      LOG.info(
          "{} rescued from nodes that are no more", rescued == 1 ? "1 task" : rescued + " tasks");
    }
  }

  /** So many pages a beat at most: what else is done here must not wait for a flood. */
  private void expire() {
    if (!chores.takeExpire()) {
      return;
    }
    int pages = 0;
    while (ports.expiries().expire() == Expiries.PAGE_MAX && pages < EXPIRE_PAGES_MAX) {
      pages++;
    }
    CrashPoint.LIMITS_PASSED.pass();
  }

  private void recordRunning() {
    long nowNs = nanos.getAsLong();
    if (nowNs - recordedNs < config.beat().toNanos() / 2) {
      return;
    }
    recordedNs = nowNs;
    List<RunningRow> rows =
        attempts.held().stream()
            .filter(a -> a.begun() && !a.hasEnded() && a.ran().compareTo(SHOWN_AFTER) > 0)
            .map(UpkeepLoop::row)
            .toList();
    if (!rows.isEmpty()) {
      ports.runningRows().record(config.name(), rows);
    }
  }

  private static RunningRow row(Attempt attempt) {
    attempt.openLog().show();
    Eta eta = attempt.observed();
    return new RunningRow(
        attempt.claim(),
        attempt.ran(),
        attempt.lastProgress().items(),
        attempt.lastProgress().fraction(),
        eta.rate(),
        eta.remainingMs());
  }
}
