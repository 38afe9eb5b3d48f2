package dev.batchyard.engine.port;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.TaskState;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Runs ended tasks again that a filter finds, the oldest first, page by page. Each page is durable
 * by itself; each task moves as by {@link OperatorMoves#rerun}, or is refused as by it.
 */
public interface BulkReruns {

  /** The most tasks of one page, and of one transaction. */
  int PAGE_MAX = 500;

  /** The most ends that one page looks at; where little matches it ends early. */
  int LOOK_MAX = 5_000;

  /**
   * Runs a page of tasks again.
   *
   * @param after only ids above this; 0 for the first page
   * @param limit the most tasks, moved and refused ones together; at most {@link #PAGE_MAX}
   * @param by who, for the histories of the tasks
   * @param why for these too; at most {@link OperatorMoves#WHY_MAX} characters
   */
  Page rerun(Filter filter, long after, int limit, String by, String why);

  /**
   * Tells what {@link #rerun} would do, and changes nothing. Each task is judged by itself: of two
   * that want the same key, both would run again here and the second one is refused there.
   */
  Page wouldRerun(Filter filter, long after, int limit);

  /**
   * Which tasks.
   *
   * @param states at least one of failed, cancelled and quarantined
   * @param type only this one, or all
   * @param queue only this one, or all
   * @param error only failures of this kind, written as for an {@link ErrorRule}; a {@link
   *     dev.batchyard.api.FinalFailure} without a kind of its own goes by that name
   * @param since only those that ended then or later
   * @param until only those that ended then or earlier; when the first page begins, if it is empty:
   *     so a task that fails again is not found again
   */
  record Filter(
      Set<TaskState> states,
      Optional<String> type,
      Optional<String> queue,
      Optional<String> error,
      Optional<Instant> since,
      Optional<Instant> until) {

    private static final Set<TaskState> RERUN =
        EnumSet.of(TaskState.FAILED, TaskState.CANCELLED, TaskState.QUARANTINED);

    public Filter {
      if (states.isEmpty() || !RERUN.containsAll(states)) {
        throw new IllegalArgumentException(
            "state: %s; only failed, cancelled and quarantined tasks can run again"
                .formatted(states.stream().map(TaskState::word).sorted().toList()));
      }
      states = Set.copyOf(states);
      type.ifPresent(text -> Storable.requireText("type", text));
      queue.ifPresent(text -> Storable.requireText("queue", text));
      if (error.isPresent()) {
        var _ = new ErrorRule.Final(error.get()); // refuses what no failure is called
      }
    }

    /** {@return the same until this instant} */
    public Filter withUntil(Instant newUntil) {
      return new Filter(states, type, queue, error, since, Optional.of(newUntil));
    }
  }

  /**
   * What came of a page.
   *
   * @param moved tasks that run again, or would
   * @param refused tasks that match and do not, or would not
   * @param next where the next page begins; empty at the end
   * @param until of the filter, for the next page
   */
  record Page(int moved, List<Refused> refused, OptionalLong next, Instant until) {
    public Page {
      refused = List.copyOf(refused);
    }
  }

  /** A task that cannot run again now. The reason is a sentence that names it. */
  record Refused(long task, String why) {}
}
