package dev.batchyard.store;

import dev.batchyard.engine.port.BulkCancels;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.TaskViews;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Finds a page of tasks as a list does, without a lock; then looks each of them up in its homes and
 * ends it there, all of a page in one transaction.
 */
final class PgBulkCancels implements BulkCancels {

  private static final String ONE_SNAPSHOT =
      """
      set transaction isolation level repeatable read, read only
      """;

  private static final String UNDOES =
      """
      select id, w.why
        from unnest(?::bigint[]) i (id)
       cross join lateral (
         select format('task %s: it undoes step %L of task %s; cancel it by its id if that is meant',
                       i.id, s.name, s.task) as why
           from step s
          where s.undo_task = i.id offset 0) w
       order by id desc
      """;

  private final Db db;
  private final StoreClock clock;
  private final PgOperatorMoves moves;
  private final Settlements settlements;
  private final ForsakenParts forsaken;
  private final WakeUps wakeUps;

  PgBulkCancels(
      Db db,
      StoreClock clock,
      PgOperatorMoves moves,
      Settlements settlements,
      ForsakenParts forsaken,
      WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.moves = moves;
    this.settlements = settlements;
    this.forsaken = forsaken;
    this.wakeUps = wakeUps;
  }

  /** What matches, the lowest id first: others lock in this order. */
  private record Look(List<Long> tasks, List<Refused> refused, OptionalLong next) {}

  @Override
  public Page cancel(TaskViews.Filter filter, OptionalLong before, int limit, String by) {
    Look look = look(filter, before, limit);
    int[] released = {0};
    int[] asked = {0};
    List<Long> cancelled =
        db.transaction(c -> {
          asked[0] = 0; // it may be the second try
          List<Long> ended = new ArrayList<>();
          for (long task : look.tasks()) {
            switch (moves.cancel(c, task, filter.states(), by).orElse(Move.ALREADY)) {
              case DONE -> ended.add(task);
              case REQUESTED -> asked[0]++;
              case ALREADY, REFUSED, NOT_FOUND -> {}
            }
          }
          released[0] = settlements.settle(c, ended);
          return ended;
        });
    forsaken.cancel(cancelled, by);
    if (released[0] > 0) {
      wakeUps.wake();
    }
    return new Page(cancelled.size(), asked[0], look.refused(), look.next());
  }

  @Override
  public Page wouldCancel(TaskViews.Filter filter, OptionalLong before, int limit) {
    Look look = look(filter, before, limit);
    return new Page(look.tasks().size(), 0, look.refused(), look.next());
  }

  private Look look(TaskViews.Filter filter, OptionalLong before, int limit) {
    int most = Math.clamp(limit, 1, PAGE_MAX);
    return db.transaction(c -> {
      Sql.run(c, ONE_SNAPSHOT);
      TaskPages.Ids page = TaskPages.find(c, clock, filter, before.orElse(Long.MAX_VALUE), most);
      long[] ids = page.ids().stream().mapToLong(Long::longValue).toArray();
      List<Refused> refused =
          Sql.query(c, UNDOES, r -> new Refused(r.getLong("id"), r.getString("why")), ids);
      Set<Long> undos = new HashSet<>(refused.stream().map(Refused::task).toList());
      List<Long> tasks = page.ids().stream().filter(id -> !undos.contains(id)).sorted().toList();
      return new Look(tasks, refused, page.next());
    });
  }
}
