package dev.batchyard.engine.run;

import dev.batchyard.engine.port.BulkReruns;
import dev.batchyard.engine.port.BulkReruns.Filter;
import dev.batchyard.engine.port.BulkReruns.Page;
import dev.batchyard.engine.port.BulkReruns.Refused;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Runs all tasks again that a filter finds, page by page. What a page has moved stays moved if a
 * later one fails; the same call again goes on. Thread-safe.
 */
public final class Reruns {

  /** The most tasks of one call. */
  public static final int TASKS_MAX = 1_000_000;

  /** Refusals that are told one by one, the first ones; the rest is counted. */
  public static final int REFUSED_MAX = 100;

  /** Refused ones that a call passes at most; then it ends, and only a narrower filter goes on. */
  public static final int PASSED_MAX = 100_000;

  private final BulkReruns pages;

  public Reruns(BulkReruns pages) {
    this.pages = pages;
  }

  /**
   * What came of a call.
   *
   * @param moved tasks that run again, or would
   * @param refused tasks that match and do not, or would not
   * @param reasons of the first {@link #REFUSED_MAX} of these
   * @param more whether there may be more that match: a limit was reached
   * @param until when the call began: what ended later was left alone
   */
  public record Report(
      long moved, long refused, List<Refused> reasons, boolean more, Instant until) {
    public Report {
      reasons = List.copyOf(reasons);
    }
  }

  /**
   * Runs tasks again, the oldest first.
   *
   * @param limit the most tasks that are moved, at most {@link #TASKS_MAX}; refused ones, which the
   *     same call would meet first again, do not count, up to {@link #PASSED_MAX}
   * @param by who, for the histories of the tasks
   * @param why for these too; at most {@link dev.batchyard.engine.port.OperatorMoves#WHY_MAX}
   *     characters
   */
  public Report run(Filter filter, int limit, String by, String why) {
    return all(filter, limit, (page, after, most) -> pages.rerun(page, after, most, by, why));
  }

  /** Tells what {@link #run} would do now, and changes nothing. */
  public Report wouldRun(Filter filter, int limit) {
    return all(filter, limit, pages::wouldRerun);
  }

  private interface Pages {
    Page next(Filter filter, long after, int limit);
  }

  private static Report all(Filter filter, int limit, Pages pages) {
    if (limit < 1 || limit > TASKS_MAX) {
      throw new IllegalArgumentException(
          "limit: %,d is not in 1 to %,d".formatted(limit, TASKS_MAX));
    }
    long moved = 0;
    long refused = 0;
    List<Refused> reasons = new ArrayList<>();
    Filter fixed = filter;
    OptionalLong after = OptionalLong.of(0);
    Optional<Page> last = Optional.empty();
    while (after.isPresent() && moved < limit && refused < PASSED_MAX) {
      int most = (int) Math.min(BulkReruns.PAGE_MAX, limit - moved);
      Page page = pages.next(fixed, after.getAsLong(), most);
      moved += page.moved();
      refused += page.refused().size();
      page.refused().stream().limit(REFUSED_MAX - reasons.size()).forEach(reasons::add);
      fixed = filter.withUntil(page.until());
      after = page.next();
      last = Optional.of(page);
    }
    return new Report(moved, refused, reasons, after.isPresent(), last.orElseThrow().until());
  }
}
