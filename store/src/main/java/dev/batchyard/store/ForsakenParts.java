package dev.batchyard.store;

import java.util.List;

/**
 * Cancels the parts of tasks that ended while they waited for them: cancelled by a person, or past
 * a limit. Page by page, each durable by itself.
 */
final class ForsakenParts {

  private static final int SPLITS_MAX = 100;

  private static final String OF =
      """
      select b.id
        from batch b
       where b.kind = 'split' and b.ended_at is null and b.then_task = any (?)
         and exists (select from outcome o where o.id = b.then_task)
       order by b.id
      """;

  private static final String ALL =
      """
      select b.id
        from batch b
       where b.kind = 'split' and b.ended_at is null and b.id > ?
         and exists (select from outcome o where o.id = b.then_task)
       order by b.id
       limit ?
      """;

  private static final String CANCEL =
      """
      select cancel_parts(?, ?, ?::timestamptz)
      """;

  private final Db db;
  private final StoreClock clock;
  private final IdSpans spans;
  private final WakeUps wakeUps;

  ForsakenParts(Db db, StoreClock clock, IdSpans spans, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.spans = spans;
    this.wakeUps = wakeUps;
  }

  /** Those of tasks that have just ended; most have none. */
  void cancel(List<Long> ended, String by) {
    if (!ended.isEmpty()) {
      long[] ids = ended.stream().mapToLong(Long::longValue).toArray();
      if (cancelAll(db.query(OF, r -> r.getLong("id"), (Object) ids), by) > 0) {
        cancelAll(); // a part may have been split itself
      }
    }
  }

  /** Those of all tasks: whoever ended one may have died before it came to its parts. */
  void cancelAll() {
    int moved;
    do { // a part that this cancels may have been split itself
      moved = 0;
      List<Long> page = page(0);
      while (!page.isEmpty()) {
        moved += cancelAll(page, "split");
        page = page.size() < SPLITS_MAX ? List.of() : page(page.getLast());
      }
    } while (moved > 0);
  }

  private List<Long> page(long after) {
    return db.query(ALL, r -> r.getLong("id"), after, SPLITS_MAX);
  }

  /** {@return how many parts were cancelled, or asked to stop} */
  private int cancelAll(List<Long> splits, String by) {
    int all = 0;
    for (long split : splits) {
      int moved = 1;
      while (moved > 0) { // room is for the undo tasks of those that had steps
        moved = spans.withRoom(() -> cancelSome(split, by));
        all += moved;
      }
    }
    if (all > 0) {
      wakeUps.wake();
    }
    return all;
  }

  private int cancelSome(long split, String by) {
    return db.transaction(
        c -> Sql.first(c, CANCEL, r -> r.getInt(1), split, by, clock.bound()).orElseThrow());
  }
}
