package dev.batchyard.app.sim;

import dev.batchyard.api.DurableStep;
import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.LeaseLost;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskHandler;
import dev.batchyard.api.TaskType;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** What the handlers of the simulation do: drawn from the seed, the task and the attempt. */
final class Script {

  static final String QUICK = "sim.quick";
  static final String FEW = "sim.few";
  static final String ALONE = "sim.alone";
  static final String UNDO = "sim.undo";

  static final String DONE_STEPS_STAY = "a step that is done is not done again";
  static final String GATE_HOLDS = "an effect passes only while the lease is held";

  private static final String LEASE_LOST = "BY001";
  private static final int FEW_MAX = 5;

  private final Simulation sim;
  private final World world;
  private final Life life;
  private final Runnable kill;

  /** Of one life of a node, which some of them kill. */
  Script(Simulation sim, Life life, Runnable kill) {
    this.sim = sim;
    this.world = sim.world;
    this.life = life;
    this.kill = kill;
  }

  /** What a handler does. */
  enum Deed {
    COMPLETE,
    FAIL_AT_TIMES,
    FAIL_FOR_GOOD,
    SNOOZE,
    /** Goes on for seconds and stops when asked. */
    LINGER,
    /** Goes on for seconds whatever it is told. */
    DEAF,
    /** Passes the effect gate now and then. */
    EFFECTS,
    /** Commits items in chunks. */
    CHUNKS,
    /** Does durable steps, and may fail after all; then they are undone. */
    STEPS,
    /** Kills its node, always. */
    POISON;

    boolean mayFail() {
      return this == FAIL_AT_TIMES || this == FAIL_FOR_GOOD || this == STEPS;
    }

    boolean mayComplete() {
      return this != FAIL_FOR_GOOD && this != POISON;
    }
  }

  /** The parameters: which task of the journal it is, and what it does. */
  record Told(long number, String deed, int items) {}

  /** The parameters of an undo. */
  record Undoing(long task, int generation, int step) {}

  List<TaskType<?>> types() {
    return List.of(
        type(QUICK, Told.class, this::act, TaskType.LEASE_MAX),
        type(FEW, Told.class, this::act, FEW_MAX),
        type(ALONE, Told.class, this::act, 1),
        type(UNDO, Undoing.class, this::undo, FEW_MAX));
  }

  private <P extends Record> TaskType<P> type(
      String name, Class<P> params, TaskHandler<P> handler, int leaseMax) {
    return new TaskType<>(
        name,
        "A simulation",
        "模拟",
        params,
        (told, context) -> run(told, context, handler),
        leaseMax);
  }

  private <P extends Record> Outcome run(P told, TaskContext context, TaskHandler<P> handler)
      throws Exception {
    LeaseToken lease = context.lease();
    world.trace.add(world, "%s runs %d#%d".formatted(life.name, lease.task(), lease.attempt()));
    sim.census.begun(life, lease, sim.eye::holds, sim.eye::isFenced);
    try {
      return handler.run(told, context);
    } finally {
      sim.census.over(life, lease);
    }
  }

  private SplittableRandom draw(long number, int attempt) {
    return new SplittableRandom(sim.seed * 31 + number * 1_000_003 + attempt * 7_919L);
  }

  private Outcome act(Told told, TaskContext context) throws Exception {
    SplittableRandom draw = draw(told.number(), context.lease().attempt());
    switch (Deed.valueOf(told.deed())) {
      case COMPLETE -> sleep(upTo(draw, 30));
      case FAIL_AT_TIMES -> {
        sleep(upTo(draw, 30));
        if (draw.nextInt(5) < 2) {
          throw new IllegalStateException("this time it fails");
        }
      }
      case FAIL_FOR_GOOD -> throw new FinalFailure("it fails for good");
      case SNOOZE -> {
        if (draw.nextBoolean()) {
          return Outcome.snoozed(upTo(draw, 3_000));
        }
      }
      case LINGER, EFFECTS -> {
        for (int left = draw.nextInt(12); left > 0; left--) {
          sleep(upTo(draw, 800));
          if (context.stopRequested()) {
            return Outcome.stopped();
          }
          if (told.deed().equals(Deed.EFFECTS.name())) {
            pass(context);
          }
        }
      }
      case DEAF -> {
        long untilNs = world.nowNs() + upTo(draw, 15_000).toNanos();
        while (world.nowNs() < untilNs) {
          var _ = world.current().park(Duration.ofNanos(untilNs - world.nowNs()), true);
        }
      }
      case CHUNKS -> {
        if (!commitAll(told, context, draw)) {
          return Outcome.stopped();
        }
      }
      case STEPS -> {
        if (!doAll(told, context, draw)) {
          return Outcome.stopped();
        }
      }
      case POISON -> {
        sleep(upTo(draw, 300));
        if (sim.faults.kinds.contains(Faults.Kind.POISON)) {
          kill.run();
          var _ = world.current().park(Fiber.FOR_EVER, false);
        }
      }
    }
    return Outcome.completed(Map.of("number", told.number()));
  }

  private void sleep(Duration time) throws InterruptedException {
    world.current().sleep(time);
  }

  private static Duration upTo(SplittableRandom draw, int ms) {
    return Duration.ofMillis(1 + draw.nextInt(ms));
  }

  private void pass(TaskContext context) {
    context.effect();
    if (!sim.eye.holds(context.lease())) {
      world.violated(GATE_HOLDS, context.lease() + " on " + life.name);
    }
  }

  /** {@return whether all is committed; else it was asked to stop} */
  private boolean commitAll(Told told, TaskContext context, SplittableRandom draw)
      throws Exception {
    LeaseToken lease = context.lease();
    try {
      int item =
          sim.net.ask(
              life, "read the checkpoint of " + lease.task(), () -> sim.eye.position(lease));
      for (; item < told.items(); item++) {
        sleep(upTo(draw, 1_500));
        if (context.stopRequested()) {
          return false;
        }
        commit(lease, context.generation(), item);
      }
      return true;
    } catch (SQLException e) {
      if (LEASE_LOST.equals(e.getSQLState())) {
        throw new LeaseLost(lease.task(), e);
      }
      throw e;
    }
  }

  /** {@return whether all steps are done; else it was asked to stop} */
  private boolean doAll(Told told, TaskContext context, SplittableRandom draw) throws Exception {
    for (int n = 1; n <= told.items(); n++) {
      int step = n;
      var undoing = new Undoing(context.lease().task(), context.generation(), step);
      var _ =
          context.step(
              DurableStep.of("step " + step, () -> doStep(context, step, draw))
                  .idempotent()
                  .undoneBy(new DurableStep.Undo(UNDO, undoing, Optional.of(People.RETRY))));
      sleep(upTo(draw, 500));
      if (context.stopRequested()) {
        return false;
      }
    }
    if (draw(told.number(), 0).nextInt(3) == 0) {
      throw new FinalFailure("it fails for good");
    }
    return true;
  }

  private void doStep(TaskContext context, int step, SplittableRandom draw) throws Exception {
    LeaseToken lease = context.lease();
    if (sim.eye.isDone(lease.task(), "step " + step)) {
      world.violated(DONE_STEPS_STAY, "step %d of %s".formatted(step, lease));
    }
    failAtTimes(draw);
    var _ =
        sim.net.ask(
            life,
            "do step %d of %d#%d".formatted(step, lease.task(), lease.attempt()),
            () -> sim.eye.doStep(lease, context.generation(), step));
    failAtTimes(draw);
  }

  private static void failAtTimes(SplittableRandom draw) {
    if (draw.nextInt(10) == 0) {
      throw new IllegalStateException("this time it fails");
    }
  }

  private Outcome undo(Undoing what, TaskContext context) throws Exception {
    LeaseToken lease = context.lease();
    SplittableRandom draw = draw(-lease.task(), lease.attempt());
    sleep(upTo(draw, 100));
    failAtTimes(draw);
    var _ =
        sim.net.ask(
            life,
            "undo step %d of %d#%d".formatted(what.step(), what.task(), lease.attempt()),
            () -> sim.eye.undoStep(lease.task(), what.task(), what.generation(), what.step()));
    failAtTimes(draw);
    return Outcome.completed();
  }

  private void commit(LeaseToken lease, int generation, int item) throws SQLException {
    String what = "commit item %d of %d#%d".formatted(item, lease.task(), lease.attempt());
    switch (sim.bug.sink()) {
      case SOUND -> {
        var _ = sim.net.ask(life, what, () -> sim.eye.commit(lease, generation, item, true, true));
      }
      case CHECKPOINT_FIRST -> {
        var _ = sim.net.ask(life, what, () -> sim.eye.commit(lease, generation, item, false, true));
        var _ = sim.net.ask(life, what, () -> sim.eye.commit(lease, generation, item, true, false));
      }
      case DATA_FIRST -> {
        var _ = sim.net.ask(life, what, () -> sim.eye.commit(lease, generation, item, true, false));
        var _ = sim.net.ask(life, what, () -> sim.eye.commit(lease, generation, item, false, true));
      }
    }
  }
}
