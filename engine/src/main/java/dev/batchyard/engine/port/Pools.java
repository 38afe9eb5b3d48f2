package dev.batchyard.engine.port;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * The pools: named resources with capacity, made and changed by a person. A task starts when all of
 * its pools have room for what it uses of them, and uses nothing while it waits. What is in use of
 * slots is counted from what runs, so that it ends with the lease of a task, however that ends.
 */
public interface Pools {

  /** The most pools. */
  int POOLS_MAX = 1_000;

  /** The most holders that are told of one pool. */
  int HOLDERS_MAX = 100;

  /** {@return all pools, by name, with their use} */
  List<PoolRow> list();

  /** {@return the pool of this name} */
  Optional<PoolRow> find(String name);

  /**
   * {@return the tasks that run and use a pool, the longest first; at most {@link #HOLDERS_MAX}}
   */
  List<Holder> holders(String name);

  /**
   * Makes a pool.
   *
   * @param by who, for people
   * @return {@code DONE}, or {@code ALREADY} if there is one of this name, which stays as it is
   * @throws IllegalArgumentException if there are {@link #POOLS_MAX}, or if it is to count a type
   *     under a name that tasks have named
   */
  Change create(Pool pool, String by);

  /**
   * Changes a pool, for every claim from now on. What runs goes on: after its capacity was lowered,
   * nothing starts until less is in use. A budget whose period is changed begins anew. Of two
   * changes at once, the second is made to what the first one left.
   *
   * @param change makes the new pool of the old one: another capacity or period, nothing else; may
   *     be called again
   */
  Change edit(String name, UnaryOperator<Pool> change, String by);

  /**
   * Lets a budget begin anew: nothing of it is spent, and its period begins now.
   *
   * @return {@code ALREADY} if nothing of it is spent
   * @throws IllegalArgumentException if it is no budget
   */
  Change refill(String name, String by);

  /**
   * Takes a pool away; one that counts a type at any time. A task that has ended may name it still;
   * run again, it waits until there is a pool of this name.
   *
   * @throws MoveRefused if tasks that have not ended name it
   */
  Change delete(String name);

  /** What came of it. */
  enum Change {
    /** Done. */
    DONE,
    /** It was so already. */
    ALREADY,
    /** No such pool. */
    NOT_FOUND
  }

  /** What a pool has units of. */
  enum Kind {
    /** So many are in use at once at most. */
    SLOTS,
    /** Tasks that use so many start within any period at most. */
    RATE,
    /**
     * So many are spent at most, by starts, and anew in each period or when a person refills it.
     */
    BUDGET;

    /** {@return as people and machines read it} */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A pool as a person sets it.
   *
   * @param name letters, digits, {@code . _ -}, beginning with a letter or a digit; at most {@link
   *     #NAME_MAX}
   * @param capacity how many units; nothing starts while it is 0
   * @param period none of slots; of a budget none if only people refill it
   * @param perKey whether tasks name it with a key, as {@code name:key}, and so many slots are
   *     there for each key. Keys are spread over {@link #LINES} lines, and those of one line share
   *     its slots
   * @param type if present, all tasks of this type use one unit of it, and none names it
   */
  record Pool(
      String name,
      Kind kind,
      long capacity,
      Optional<Duration> period,
      boolean perKey,
      Optional<String> type) {

    /** Over so many lines the keys of a pool are spread. */
    public static final int LINES = 256;

    /** The longest name, in characters. */
    public static final int NAME_MAX = 100;

    /** The largest capacity. */
    public static final long CAPACITY_MAX = 1_000_000_000_000L;

    /** The shortest period. */
    public static final Duration PERIOD_MIN = Duration.ofMillis(100);

    /** The longest period. */
    public static final Duration PERIOD_MAX = Duration.ofDays(366);

    private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}][\\p{L}\\p{N}._-]*");

    public Pool {
      if (name.length() > NAME_MAX || !NAME.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "pool '%s': a name has 1 to %d letters, digits, dots, dashes or underscores and begins"
                    .formatted(name, NAME_MAX)
                + " with a letter or a digit");
      }
      if (capacity < 0 || capacity > CAPACITY_MAX) {
        throw new IllegalArgumentException(
            "capacity of pool '%s': %d is not from 0 to %d"
                .formatted(name, capacity, CAPACITY_MAX));
      }
      if (perKey && (kind != Kind.SLOTS || type.isPresent())) {
        throw new IllegalArgumentException(
            "pool '%s': only slots are per key, and not of a type".formatted(name));
      }
      if (period.isPresent()) {
        if (kind == Kind.SLOTS) {
          throw new IllegalArgumentException(
              "period of pool '%s': slots have none; leave it out, or make a rate or a budget"
                  .formatted(name));
        }
        if (period.get().compareTo(PERIOD_MIN) < 0 || period.get().compareTo(PERIOD_MAX) > 0) {
          throw new IllegalArgumentException(
              "period of pool '%s': %s is not from 100 ms to %d days"
                  .formatted(name, period.get(), PERIOD_MAX.toDays()));
        }
      } else if (kind == Kind.RATE) {
        throw new IllegalArgumentException(
            "period of pool '%s': a rate needs one, such as 1m".formatted(name));
      }
    }

    /** One that tasks name, without keys. */
    public Pool(String name, Kind kind, long capacity, Optional<Duration> period) {
      this(name, kind, capacity, period, false, Optional.empty());
    }

    /** {@return the same with so many slots for each key} */
    public Pool withKeys() {
      return new Pool(name, kind, capacity, period, true, type);
    }

    /** {@return the same for all tasks of a type} */
    public Pool ofType(String newType) {
      return new Pool(name, kind, capacity, period, perKey, Optional.of(newType));
    }

    /** {@return slots of this name} */
    public static Pool slots(String name, long capacity) {
      return new Pool(name, Kind.SLOTS, capacity, Optional.empty());
    }

    /** {@return a rate of this name} */
    public static Pool rate(String name, long capacity, Duration period) {
      return new Pool(name, Kind.RATE, capacity, Optional.of(period));
    }

    /** {@return the same with this capacity} */
    public Pool withCapacity(long newCapacity) {
      return new Pool(name, kind, newCapacity, period, perKey, type);
    }

    /** {@return the same with this period} */
    public Pool withPeriod(Duration newPeriod) {
      return new Pool(name, kind, capacity, Optional.of(newPeriod), perKey, type);
    }
  }

  /**
   * A pool and how it stands.
   *
   * @param now its capacity at present: less while it grows back after it was slowed down
   * @param used units in use, or of a rate or budget spent; more than the capacity after that was
   *     lowered
   * @param waiting tasks that use it, are due and wait for a node or for room
   * @param later tasks that use it and are due later, retries among them
   * @param again when the period of a budget ends, or a pool that was slowed down grows again
   * @param setBy who made or changed it last
   */
  record PoolRow(
      Pool pool,
      long now,
      long used,
      long waiting,
      long later,
      Optional<Instant> again,
      String setBy,
      Instant setAt) {}

  /**
   * A task that uses a pool.
   *
   * @param units how many of it
   * @param node where it runs
   * @param since when it was claimed
   */
  record Holder(long task, String type, String label, int units, String node, Instant since) {}
}
