package dev.batchyard.app.sim;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/** What goes wrong in this world, and what becomes of a call. */
final class Faults {

  /** What may go wrong. */
  enum Kind {
    /** The store is not asked, the caller is told that it does not answer. */
    FAILS_BEFORE,
    /** The store does what it was asked to, its answer is lost. */
    ANSWER_LOST,
    /** The call is on its way for long. */
    ASKED_LATE,
    /** The answer is on its way for long. */
    ANSWERED_LATE,
    /** The caller has given up when the store does what it was asked to. */
    DONE_LATE,
    /** A session breaks; at first only one end of it knows. */
    SESSION_CUT,
    /** A process is killed, and started again. */
    KILL,
    /** A process stands still and goes on. */
    FREEZE,
    /** A process is stopped as it should be, and started again. */
    STOP,
    /** The store is away, all sessions break. */
    OUTAGE,
    /** Nobody is told that something became ready. */
    NO_WAKE_UPS,
    /** A task kills the process that runs it. */
    POISON,
    /** Two nodes have one name. */
    TWINS,
  }

  private static final Set<Kind> OF_CALLS = EnumSet.range(Kind.FAILS_BEFORE, Kind.DONE_LATE);

  final Set<Kind> kinds;
  private final World world;
  private final int permille;
  private final Duration latency;
  private boolean healed;

  Faults(World world, Plan plan) {
    this.world = world;
    this.kinds = plan.kinds();
    this.permille = plan.permille();
    this.latency = plan.latency();
  }

  boolean has(Kind kind) {
    return !healed && kinds.contains(kind);
  }

  /** From here on nothing goes wrong. */
  void heal() {
    healed = true;
  }

  /**
   * What becomes of a call.
   *
   * @param asked until the store has it
   * @param told after that until the caller has its answer
   * @param reaches whether the store ever has it
   * @param lost whether the caller gives up instead of taking the answer
   */
  record Course(Duration asked, Duration told, boolean reaches, boolean lost) {}

  Course draw() {
    Duration asked = world.upTo(latency);
    Duration told = world.upTo(latency);
    if (healed || !world.chance(permille)) {
      return new Course(asked, told, true, false);
    }
    Kind kind =
        OF_CALLS.stream().skip(world.random.nextInt(OF_CALLS.size())).findFirst().orElseThrow();
    if (!kinds.contains(kind)) {
      return new Course(asked, told, true, false);
    }
    return switch (kind) {
      case FAILS_BEFORE -> new Course(asked, world.chance(500) ? told : late(), false, true);
      case ANSWER_LOST -> new Course(asked, world.chance(500) ? told : late(), true, true);
      case ASKED_LATE -> new Course(late(), told, true, false);
      case ANSWERED_LATE -> new Course(asked, late(), true, false);
      default -> new Course(late(), told.negated(), true, true);
    };
  }

  /** {@return a while, up to three leases, often much less} */
  Duration late() {
    return switch (world.random.nextInt(6)) {
      case 0, 1, 2 -> world.upTo(World.LEASE.dividedBy(5));
      case 3, 4 -> world.upTo(World.LEASE.multipliedBy(2));
      default -> world.upTo(World.LEASE.multipliedBy(3));
    };
  }
}
