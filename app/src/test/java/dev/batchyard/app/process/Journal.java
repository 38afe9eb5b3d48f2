package dev.batchyard.app.process;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Submitted;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What clients asked a store for and what they were told: the memory that outlives every kill. Each
 * task asked for has a number of its own, which it carries in its parameters. Thread-safe.
 */
final class Journal {

  private final AtomicLong numbers = new AtomicLong();
  private final ConcurrentSkipListMap<Long, Call> calls = new ConcurrentSkipListMap<>();
  private final Queue<String> surprises = new ConcurrentLinkedQueue<>();
  private final Set<Long> cancelTried = ConcurrentHashMap.newKeySet();
  private final Set<Long> cancelDone = ConcurrentHashMap.newKeySet();
  private final Map<Long, Instant> cancelRequested = new ConcurrentHashMap<>();
  private final Set<Long> rerunTried = ConcurrentHashMap.newKeySet();

  /**
   * One task asked for.
   *
   * @param child the number of the task that it submits itself
   */
  record Asked(Deed deed, TaskKeys keys, OptionalLong batch, Bounds bounds, Optional<Long> child) {

    static Asked of(Deed deed, TaskKeys keys) {
      return new Asked(deed, keys, OptionalLong.empty(), Bounds.NONE, Optional.empty());
    }

    Asked in(OptionalLong one) {
      return new Asked(deed, keys, one, bounds, child);
    }

    Asked within(Bounds some) {
      return new Asked(deed, keys, batch, some, child);
    }

    Asked with(long number) {
      return new Asked(deed, keys, batch, bounds, Optional.of(number));
    }
  }

  /** One submit of tasks with consecutive numbers, all or none. */
  static final class Call {
    private final long first;
    private final List<Asked> asked;
    private volatile List<Submitted> answers = List.of();

    private Call(long first, List<Asked> asked) {
      this.first = first;
      this.asked = List.copyOf(asked);
    }

    long first() {
      return first;
    }

    int size() {
      return asked.size();
    }

    Asked asked(long number) {
      return asked.get(Math.toIntExact(number - first));
    }

    /** {@return what was told of this number; empty if no answer came} */
    Optional<Submitted> answer(long number) {
      List<Submitted> told = answers;
      return told.isEmpty()
          ? Optional.empty()
          : Optional.of(told.get(Math.toIntExact(number - first)));
    }

    boolean isAnswered() {
      return !answers.isEmpty();
    }

    /** {@return whether no key of another task could keep one of its tasks out} */
    boolean isKeyless() {
      return asked.stream().allMatch(a -> a.keys().isEmpty());
    }

    void answered(List<Submitted> told) {
      answers = List.copyOf(told);
    }
  }

  /** Writes down that these are about to be asked for. */
  Call begin(List<Asked> asked) {
    Call call = new Call(numbers.getAndAdd(asked.size()), asked);
    calls.put(call.first(), call);
    return call;
  }

  Collection<Call> calls() {
    return calls.values();
  }

  /** {@return the call in which this number was asked for} */
  Optional<Call> call(long number) {
    return Optional.ofNullable(calls.floorEntry(number))
        .map(Map.Entry::getValue)
        .filter(c -> number - c.first() < c.size());
  }

  /** {@return how many tasks were asked for} */
  long numbers() {
    return numbers.get();
  }

  /** Something failed otherwise than by a store that is away. */
  void surprised(RuntimeException e) {
    surprises.add(e.toString());
  }

  List<String> surprises() {
    return List.copyOf(surprises);
  }

  void cancelTried(long task) {
    cancelTried.add(task);
  }

  void cancelDone(long task) {
    cancelDone.add(task);
  }

  /** It was told by then that the task's attempt had been asked. */
  void cancelRequested(long task, Instant told) {
    cancelRequested.merge(task, told, (one, other) -> one.isBefore(other) ? one : other);
  }

  void rerunTried(long task) {
    rerunTried.add(task);
  }

  boolean wasCancelTried(long task) {
    return cancelTried.contains(task);
  }

  /** {@return tasks that were told to be cancelled and never asked to run again} */
  List<Long> cancelledForGood() {
    return cancelDone.stream().filter(t -> !rerunTried.contains(t)).toList();
  }

  /** {@return tasks whose attempts were asked to cancel, by when; none that was to run again} */
  Map<Long, Instant> cancelsRequestedForGood() {
    Map<Long, Instant> found = new HashMap<>(cancelRequested);
    found.keySet().removeAll(rerunTried);
    return found;
  }

  boolean wasRerunTried(long task) {
    return rerunTried.contains(task);
  }
}
