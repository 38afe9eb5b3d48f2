package dev.batchyard.app.sim;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Time, chance and what happens next. By one thread. Everything that happens is an event at an
 * instant; of two at one instant the one that was planned first happens first.
 */
final class World {

  static final Duration LEASE = Duration.ofSeconds(10);

  private static final Instant START = Instant.parse("2031-03-30T01:30:00.123456Z");

  /** Nobody goes on at the very instant at which he could. */
  private static final long JITTER_NS = 50_000;

  /** A world that has so many never comes to rest. */
  private static final int EVENTS_MAX = 3_000_000;

  private record Event(long atNs, long number, Runnable action) {}

  final SplittableRandom random;
  final Trace trace;
  private final PriorityQueue<Event> events =
      new PriorityQueue<>((a, b) ->
          a.atNs != b.atNs ? Long.compare(a.atNs, b.atNs) : Long.compare(a.number, b.number));
  private final Map<String, List<String>> violations = new LinkedHashMap<>();
  private long numbers;
  private long nowNs = Duration.ofHours(1).toNanos();
  private final long startNs = nowNs;
  private @Nullable Fiber running;

  World(long seed, Trace trace) {
    this.random = new SplittableRandom(seed);
    this.trace = trace;
  }

  long nowNs() {
    return nowNs;
  }

  /** {@return how long the world has gone on} */
  Duration age() {
    return Duration.ofNanos(nowNs - startNs);
  }

  /** {@return the time of the database, to the microsecond that it keeps} */
  Instant now() {
    return START.plusNanos((nowNs - startNs) / 1_000 * 1_000);
  }

  /** {@return an instant of the database as one of the ticker} */
  long nanosOf(Instant instant) {
    return startNs + Duration.between(START, instant).toNanos();
  }

  UUID id() {
    return new UUID(random.nextLong(), random.nextLong());
  }

  /** {@return true so often of a thousand} */
  boolean chance(int permille) {
    return random.nextInt(1_000) < permille;
  }

  /** {@return a span from zero up to this} */
  Duration upTo(Duration most) {
    return Duration.ofNanos(random.nextLong(most.toNanos() + 1));
  }

  long jitterNs() {
    return random.nextLong(JITTER_NS);
  }

  /** Something happens after a while, whoever lives. */
  void after(Duration delay, Runnable action) {
    events.add(new Event(nowNs + delay.toNanos(), numbers++, action));
  }

  /** Something of a process happens after a while, if it lives then, and once it is not frozen. */
  void after(Duration delay, Life life, Runnable action) {
    after(delay, () -> life.act(action));
  }

  /** Starts a thread of a process. */
  Fiber start(Life life, String name, Runnable body) {
    Fiber fiber = new Fiber(this, life, name, body);
    after(Duration.ofNanos(jitterNs()), life, fiber::begin);
    return fiber;
  }

  /** A process goes on after it was frozen. */
  void thaw(Life life) {
    life.thaw().forEach(action -> after(Duration.ofNanos(jitterNs()), life, action));
  }

  /** {@return the thread that runs now} */
  Fiber current() {
    return Objects.requireNonNull(running, "no thread of the simulation runs");
  }

  void running(@Nullable Fiber fiber) {
    running = fiber;
  }

  /** Lets things happen until something is so, at most for so long; {@return whether it is} */
  boolean goOn(Duration most, BooleanSupplier done) {
    long untilNs = nowNs + most.toNanos();
    while (!done.getAsBoolean()) {
      Event next = events.peek();
      if (next == null || next.atNs > untilNs) {
        nowNs = untilNs;
        return done.getAsBoolean();
      }
      if (next.number > EVENTS_MAX) {
        violated("the world comes to rest", "events without end");
        return false;
      }
      var _ = events.remove();
      nowNs = Math.max(nowNs, next.atNs);
      next.action.run();
    }
    return true;
  }

  /** Notes that an invariant does not hold. */
  void violated(String invariant, String how) {
    trace.add(this, "VIOLATED: " + invariant + ": " + how);
    violations.computeIfAbsent(invariant, name -> new ArrayList<>()).add(how);
  }

  Map<String, List<String>> violations() {
    return violations;
  }
}
