package dev.batchyard.engine.port;

import dev.batchyard.api.Limits;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.engine.task.Counters;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Reads for people. None of them locks or changes anything. */
public interface TaskViews {

  /** The most rows of a page. */
  int PAGE_MAX = 200;

  /**
   * The most rows that one page walks in one home of tasks; a filter that matches little returns a
   * short page with a cursor.
   */
  int SCAN_MAX = 50_000;

  /**
   * Tasks, newest first.
   *
   * @param before ids below this; from the newest when empty
   * @param limit at most {@link #PAGE_MAX}
   */
  Page list(Filter filter, OptionalLong before, int limit);

  /** {@return one task with everything about it} */
  Optional<TaskDetail> find(long task);

  /** {@return how many of the tasks that are kept stand in each state, exactly} */
  Map<TaskState, Long> counts();

  /**
   * Rejects in order of their number.
   *
   * @param after numbers above this; 0 for the first page
   */
  List<Reject> rejects(long task, long after, int limit);

  /**
   * Which tasks a list holds.
   *
   * @param states only these; all when empty
   * @param type only this one, or all
   * @param queue only tasks of this one, or of all
   * @param batch only its members; all tasks when empty
   */
  record Filter(
      Set<TaskState> states, Optional<String> type, Optional<String> queue, OptionalLong batch) {

    /** All tasks. */
    public static final Filter ALL = of(Set.of(), Optional.empty());

    public Filter {
      states = Set.copyOf(states);
    }

    /** {@return of any queue, members of a batch or not} */
    public static Filter of(Set<TaskState> states, Optional<String> type) {
      return new Filter(states, type, Optional.empty(), OptionalLong.empty());
    }
  }

  /**
   * A page of tasks.
   *
   * @param next where the next page begins; empty at the end
   */
  record Page(List<TaskRow> rows, OptionalLong next) {
    public Page {
      rows = List.copyOf(rows);
    }
  }

  /**
   * A task in a list.
   *
   * @param node where it runs or ran last
   * @param started of its current or last attempt
   * @param items dealt with, over all attempts
   * @param fraction done, 0 to 1; negative if unknown
   * @param rate items a second, while it runs
   * @param remainingMs at this pace, while it runs
   * @param problem why it failed or will be tried again; empty otherwise
   */
  record TaskRow(
      long id,
      String type,
      String label,
      TaskState state,
      String queue,
      int priority,
      Counters counters,
      Instant submitted,
      Instant due,
      Optional<Instant> started,
      Optional<Instant> finished,
      Optional<String> node,
      long items,
      double fraction,
      double rate,
      OptionalLong remainingMs,
      String problem) {}

  /**
   * One task.
   *
   * @param keys as it was submitted with; whether it still holds them depends on scope and time
   * @param batch that it is a member of
   * @param after the batch that it runs after, if it is a then task, with its counts
   * @param request a pause or cancel that its attempt has not obeyed yet
   * @param pools what it uses while it runs, by the name of the pool
   * @param attempts in order of their numbers
   */
  record TaskDetail(
      TaskRow row,
      String paramsJson,
      String retry,
      TaskKeys keys,
      Limits limits,
      Requirement requirement,
      OptionalLong batch,
      Optional<Batches.Batch> after,
      Optional<String> resultJson,
      Optional<String> errorJson,
      Optional<Ledger> ledger,
      Optional<String> positionJson,
      Optional<String> request,
      List<PoolUse> pools,
      List<Attempt> attempts,
      List<Event> events) {
    public TaskDetail {
      pools = List.copyOf(pools);
      attempts = List.copyOf(attempts);
      events = List.copyOf(events);
    }

    /** {@return how long the last attempt of a task that has ended took} */
    public Optional<Duration> took() {
      return row.finished().isEmpty() || attempts.isEmpty()
          ? Optional.empty()
          : attempts.getLast().took();
    }
  }

  /** What a task uses of a pool. */
  record PoolUse(String pool, int units) {}

  /**
   * One attempt.
   *
   * @param finished of a lost attempt the last beat of its node: when it died, nobody knows
   * @param ended a word of {@code attempt_log.ended}, or {@code running}
   */
  record Attempt(
      int attempt,
      int generation,
      Optional<String> node,
      Optional<Instant> started,
      Optional<Instant> finished,
      String ended,
      Optional<String> errorJson) {

    /** {@return how long it took, once it has ended} */
    public Optional<Duration> took() {
      return started.flatMap(begun -> finished.map(end -> Duration.between(begun, end)));
    }
  }

  /** One move of the task's history, derived from its rows or stored as an event. */
  record Event(Instant at, String from, String to, String by, String why) {}
}
