package dev.batchyard.engine.port;

import dev.batchyard.api.TaskState;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Cancels tasks that a filter finds, the newest first, page by page. Each page is durable by
 * itself; each task ends as by {@link OperatorMoves#cancel}, or its attempt is asked to.
 */
public interface BulkCancels {

  /** The most tasks of one page, and of one transaction. */
  int PAGE_MAX = 100;

  /** The states that a task can be cancelled in. */
  Set<TaskState> STATES =
      Collections.unmodifiableSet(
          EnumSet.of(
              TaskState.SCHEDULED,
              TaskState.BLOCKED,
              TaskState.READY,
              TaskState.RUNNING,
              TaskState.RETRYING,
              TaskState.PAUSED));

  /**
   * Cancels a page of tasks. One that has meanwhile moved to where the filter does not look is left
   * alone; undo tasks are refused, since whoever cancels one leaves a task half undone.
   *
   * @param filter with states, all of them of {@link #STATES}
   * @param before ids below this; from the newest when empty
   * @param limit the most tasks, refused ones among them; at most {@link #PAGE_MAX}
   * @param by who, for the histories of the tasks
   */
  Page cancel(TaskViews.Filter filter, OptionalLong before, int limit, String by);

  /** Tells what {@link #cancel} would do now, and changes nothing. */
  Page wouldCancel(TaskViews.Filter filter, OptionalLong before, int limit);

  /**
   * What came of a page.
   *
   * @param cancelled tasks that are, or would be
   * @param asked tasks whose attempts were asked to end
   * @param refused tasks that match and are not cancelled, or would not be
   * @param next where the next page begins; empty at the end
   */
  record Page(int cancelled, int asked, List<Refused> refused, OptionalLong next) {
    public Page {
      refused = List.copyOf(refused);
    }
  }

  /** A task that is not cancelled with others. The reason is a sentence that names it. */
  record Refused(long task, String why) {}
}
