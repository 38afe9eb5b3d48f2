package dev.batchyard.engine.task;

import dev.batchyard.api.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Why a task does not run at present: one cause, with the names of what holds it. */
public sealed interface Wait {

  /** The most tasks, or nodes, that are named; of the others it is said how many there are. */
  int NAMED_MAX = 5;

  /** {@return a word for machines, which stays as it is} */
  default String reason() {
    return switch (this) {
      case Ended _ -> "ended";
      case Running _ -> "running";
      case Claimed _ -> "claimed";
      case Paused _ -> "paused";
      case AfterBatch _ -> "batch";
      case AfterParts _ -> "parts";
      case InTurn _ -> "in_turn";
      case AfterUndo _ -> "undo";
      case Scheduled _ -> "scheduled";
      case BackOff _ -> "back_off";
      case QueuePaused _ -> "queue_paused";
      case NoNode _ -> "no_node";
      case QueueNotServed _ -> "queue_not_served";
      case NoEligibleNode _ -> "no_eligible_node";
      case Cordoned _ -> "cordoned";
      case Suspect _ -> "suspect";
      case PoolFull _ -> "pool_full";
      case KeyFull _ -> "key_full";
      case TypeFull _ -> "type_full";
      case PoolTooSmall _ -> "pool_too_small";
      case PoolSlowed _ -> "pool_slowed";
      case RateSpent _ -> "rate";
      case BudgetSpent _ -> "budget";
      case InLine _ -> "line";
    };
  }

  /** {@return when this may be over at the earliest; empty if nobody knows} */
  default Optional<Instant> earliest() {
    return Optional.empty();
  }

  /** No live node may claim it, and none will until a person does something. */
  sealed interface Unserved extends Wait {}

  /**
   * Some of many, by name.
   *
   * @param named at most {@link #NAMED_MAX}
   * @param more how many others there are
   */
  record Names<T>(List<T> named, long more) {
    public Names {
      named = List.copyOf(named);
    }

    /** {@return the first of these} */
    public static <T> Names<T> of(List<T> all) {
      List<T> named = all.subList(0, Math.min(NAMED_MAX, all.size()));
      return new Names<>(named, all.size() - named.size());
    }
  }

  /**
   * How many tasks come before it, as claims order them.
   *
   * @param atLeast whether there are more: only so many are counted
   */
  record Ahead(long tasks, boolean atLeast) {}

  /** It does not wait any more. */
  record Ended(TaskState state, Instant at) implements Wait {}

  /** It does not wait at present. */
  record Running(String node, Instant since) implements Wait {}

  /**
   * A node has leased it and starts it when one of its slots is free.
   *
   * @param beside other tasks that the node holds
   */
  record Claimed(String node, Instant since, int slots, Names<Long> beside) implements Wait {}

  /** A person took it out of its line. */
  record Paused(String by, Instant since) implements Wait {}

  /**
   * It is released when a batch ends.
   *
   * @param live how many of its tasks have not ended
   * @param open whether tasks may still join it
   * @param members some that have not ended; none if those that were looked at have
   */
  record AfterBatch(long batch, long live, long total, boolean open, List<Long> members)
      implements Wait {
    public AfterBatch {
      members = List.copyOf(members);
    }
  }

  /**
   * It was split, and goes on when its parts have ended.
   *
   * @param batch that its parts are members of
   * @param live how many of them have not ended
   * @param parts some that have not ended; none if those that were looked at have
   */
  record AfterParts(long batch, long live, long total, List<Long> parts) implements Wait {
    public AfterParts {
      parts = List.copyOf(parts);
    }
  }

  /**
   * It is a part of a task whose parts go one after the other.
   *
   * @param index of the part, from 0
   * @param at the part at whose turn it is
   * @param stopped whether that one has ended otherwise than completed
   */
  record InTurn(long parent, int index, long at, boolean stopped) implements Wait {}

  /**
   * It undoes a step of a task when the later steps are undone.
   *
   * @param before the undo task at its turn
   * @param needsPerson whether that one has ended without success
   */
  record AfterUndo(long task, String step, long before, String stepBefore, boolean needsPerson)
      implements Wait {}

  /** It is not due yet. */
  record Scheduled(Instant due) implements Wait {
    @Override
    public Optional<Instant> earliest() {
      return Optional.of(due);
    }
  }

  /**
   * It failed and is tried again.
   *
   * @param problem why it failed; empty if it did not say
   */
  record BackOff(Instant until, int failures, String policy, String problem) implements Wait {
    @Override
    public Optional<Instant> earliest() {
      return Optional.of(until);
    }
  }

  /** Nothing of its queue starts. */
  record QueuePaused(String queue, String by, Instant since) implements Wait {}

  /** No live node has a handler for its type. */
  record NoNode(String type) implements Unserved {}

  /**
   * No live node with a handler for its type serves its queue.
   *
   * @param nodes that have the handler
   */
  record QueueNotServed(String type, String queue, Names<String> nodes) implements Unserved {}

  /**
   * No live node that serves its type and queue has what it requires.
   *
   * @param requires all that it asks for
   * @param missing the parts of it that none of these nodes has; empty if each part is to be had,
   *     but not all of them in one node
   * @param nodes that serve its type and queue
   */
  record NoEligibleNode(
      String type, String queue, String requires, List<String> missing, Names<String> nodes)
      implements Unserved {
    public NoEligibleNode {
      missing = List.copyOf(missing);
    }
  }

  /** All live nodes that may run it are kept from claiming. */
  record Cordoned(Names<Cordon> nodes) implements Unserved {}

  /** A node that a person keeps from claiming. */
  record Cordon(String node, String by, Instant since) {}

  /**
   * It may have killed nodes.
   *
   * @param deaths of its node, with no progress in between
   * @param alone whether it waits for a node that holds nothing else; if not, for one without
   *     another suspect
   * @param nodes that may run it and are not free for it
   */
  record Suspect(int deaths, boolean alone, Names<String> nodes) implements Wait {}

  /**
   * What all tasks that use a pool of slots share is in use.
   *
   * @param has what the pool has at present
   * @param needs what this task uses
   */
  record PoolFull(
      String pool,
      long has,
      long used,
      int needs,
      Names<Long> holders,
      Ahead ahead,
      Optional<Instant> earliest)
      implements Wait {}

  /**
   * Others that use its pool with the same key run, or with a key of the same line.
   *
   * @param line of keys, see {@code Pools.Pool.LINES}
   */
  record KeyFull(
      String pool,
      String line,
      long has,
      long used,
      int needs,
      Names<Long> holders,
      Ahead ahead,
      Optional<Instant> earliest)
      implements Wait {}

  /** As many tasks of its type run as may. */
  record TypeFull(
      String pool,
      String type,
      long has,
      long used,
      Names<Long> holders,
      Ahead ahead,
      Optional<Instant> earliest)
      implements Wait {}

  /** It uses more than the pool ever has. */
  record PoolTooSmall(String pool, long capacity, int needs) implements Wait {}

  /** Somebody was told to slow down, and nothing that uses the pool starts before then. */
  record PoolSlowed(String pool, Instant until) implements Wait {
    @Override
    public Optional<Instant> earliest() {
      return Optional.of(until);
    }
  }

  /** As many have started within the period as may. */
  record RateSpent(
      String pool,
      long has,
      Duration period,
      long used,
      int needs,
      Ahead ahead,
      Optional<Instant> earliest)
      implements Wait {}

  /**
   * The budget is spent.
   *
   * @param period after which it begins anew; if there is none, a person has to refill it
   */
  record BudgetSpent(
      String pool,
      long has,
      Optional<Duration> period,
      long used,
      int needs,
      Ahead ahead,
      Optional<Instant> earliest)
      implements Wait {}

  /**
   * Nothing but its turn.
   *
   * @param nodes that may run it
   * @param slots of all of these
   * @param held how many tasks they hold; those that run, and quick ones that wait for a slot
   * @param holders some of these
   */
  record InLine(
      Ahead ahead,
      Names<String> nodes,
      long slots,
      long held,
      Names<Long> holders,
      Optional<Instant> earliest)
      implements Wait {}

  /**
   * {@return when a place becomes free, by what those tell that hold the places: the middle of
   * their ends} Empty if fewer than half of them tell, or more wait before it than there are
   * places.
   *
   * @param ends of those that tell
   * @param holders how many hold a place
   */
  static Optional<Instant> middle(List<Instant> ends, long holders, Ahead ahead) {
    if (ends.isEmpty()
        || 2L * ends.size() < holders
        || ahead.atLeast()
        || ahead.tasks() >= holders) {
      return Optional.empty();
    }
    List<Instant> sorted = ends.stream().sorted().toList();
    return Optional.of(sorted.get((sorted.size() - 1) / 2));
  }
}
