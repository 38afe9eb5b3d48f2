package dev.batchyard.engine.run;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.BulkCancels;
import dev.batchyard.engine.port.BulkCancels.Page;
import dev.batchyard.engine.port.BulkCancels.Refused;
import dev.batchyard.engine.port.TaskViews;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Cancels all tasks that a filter finds, page by page. What a page has cancelled stays so if a
 * later one fails; the same call again goes on. Tasks that are submitted meanwhile are left alone.
 * Thread-safe.
 */
public final class Cancels {

  /** The most tasks of one call. */
  public static final int TASKS_MAX = 1_000_000;

  /** Refusals that are told one by one, the first ones; the rest is counted. */
  public static final int REFUSED_MAX = 100;

  private final BulkCancels pages;

  public Cancels(BulkCancels pages) {
    this.pages = pages;
  }

  /**
   * What came of a call.
   *
   * @param cancelled tasks that are, or would be
   * @param asked tasks whose attempts were asked to end at their next checkpoint
   * @param refused tasks that match and are not, or would not be
   * @param reasons of the first {@link #REFUSED_MAX} of these
   * @param more whether there may be more that match: the limit was reached
   */
  public record Report(
      long cancelled, long asked, long refused, List<Refused> reasons, boolean more) {
    public Report {
      reasons = List.copyOf(reasons);
    }
  }

  /**
   * Cancels tasks, the newest first.
   *
   * @param filter whose states are all live ones; all of those when it names none
   * @param limit the most tasks, refused ones among them; at most {@link #TASKS_MAX}
   * @param by who, for the histories of the tasks
   */
  public Report run(TaskViews.Filter filter, int limit, String by) {
    return all(filter, limit, (f, before, most) -> pages.cancel(f, before, most, by));
  }

  /** Tells what {@link #run} would do now, and changes nothing; nothing is told as asked. */
  public Report wouldRun(TaskViews.Filter filter, int limit) {
    return all(filter, limit, pages::wouldCancel);
  }

  private interface Pages {
    Page next(TaskViews.Filter filter, OptionalLong before, int limit);
  }

  private static Report all(TaskViews.Filter asked, int limit, Pages pages) {
    if (limit < 1 || limit > TASKS_MAX) {
      throw new IllegalArgumentException(
          "limit: %,d is not in 1 to %,d".formatted(limit, TASKS_MAX));
    }
    TaskViews.Filter filter = live(asked);
    long cancelled = 0;
    long requested = 0;
    long refused = 0;
    List<Refused> reasons = new ArrayList<>();
    OptionalLong before = OptionalLong.empty();
    boolean more = true;
    while (more && cancelled + requested + refused < limit) {
      long left = limit - cancelled - requested - refused;
      Page page = pages.next(filter, before, (int) Math.min(BulkCancels.PAGE_MAX, left));
      cancelled += page.cancelled();
      requested += page.asked();
      refused += page.refused().size();
      page.refused().stream().limit(REFUSED_MAX - reasons.size()).forEach(reasons::add);
      before = page.next();
      more = before.isPresent();
    }
    return new Report(cancelled, requested, refused, reasons, more);
  }

  private static TaskViews.Filter live(TaskViews.Filter filter) {
    if (!BulkCancels.STATES.containsAll(filter.states())) {
      throw new IllegalArgumentException(
          "state: %s; only a task that has not ended can be cancelled"
              .formatted(
                  filter.states().stream()
                      .filter(TaskState::ended)
                      .map(TaskState::word)
                      .sorted()
                      .toList()));
    }
    return filter.states().isEmpty()
        ? new TaskViews.Filter(BulkCancels.STATES, filter.type(), filter.queue(), filter.batch())
        : filter;
  }
}
