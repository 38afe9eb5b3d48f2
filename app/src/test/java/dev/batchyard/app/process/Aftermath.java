package dev.batchyard.app.process;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import dev.batchyard.store.Store;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** When the blows are over: waits for the end of all tasks, and looks at what is left. */
final class Aftermath {

  /** Nothing moves for so long: it will not end any more. */
  private static final Duration STILL_MAX = Duration.ofSeconds(60);

  private static final String FAILED_UNDOS =
      """
      select s.undo_task
        from batchyard.compensation c
        join batchyard.step s on s.task = c.task and s.round = c.round and s.undone_at is null
        join batchyard.outcome o on o.id = s.undo_task and o.state <> 'completed'
       where c.state = 'needs_person'
      """;

  private final Yard yard;
  private final Journal journal;

  Aftermath(Yard yard, Journal journal) {
    this.yard = yard;
    this.journal = journal;
  }

  /**
   * What came of a proof.
   *
   * @param violations by the names of the invariants; empty if all is well
   */
  record Report(String figures, Map<String, List<String>> violations) {

    /** {@return in a few words how many tasks were lost and doubled, and what else is not legal} */
    String verdict() {
      return "%d lost, %d doubled, %d illegal"
          .formatted(
              count(HistoryChecker.OF_LOSS), count(HistoryChecker.OF_DOUBLES), countOthers());
    }

    private int count(Set<String> invariants) {
      return violations.entrySet().stream()
          .filter(e -> invariants.contains(e.getKey()))
          .mapToInt(e -> e.getValue().size())
          .sum();
    }

    private int countOthers() {
      return violations.values().stream().mapToInt(List::size).sum()
          - count(HistoryChecker.OF_LOSS)
          - count(HistoryChecker.OF_DOUBLES);
    }
  }

  /**
   * Undoes what operators have set aside and waits for the end of all.
   *
   * @param meanwhile is done again and again
   */
  void settle(Runnable meanwhile) {
    Store store = yard.installation().store();
    String moved = "";
    long since = System.nanoTime();
    while (System.nanoTime() - since < STILL_MAX.toNanos()) {
      meanwhile.run();
      release(store);
      Optional<Long> left =
          yard.ask(
              """
              select (select count(*) from batchyard.task) - (select count(*) from batchyard.outcome)
                   + (select count(*) from batchyard.lease)
                   + (select count(*) from batchyard.request)
                   + (select count(*) from batchyard.running)
                   + (select count(*) from batchyard.id_span where closed is not null)
                   + (select count(*) from batchyard.compensation where state <> 'undone')
              """);
      if (left.equals(Optional.of(0L))) {
        return;
      }
      if (!left.toString().equals(moved)) {
        moved = left.toString();
        since = System.nanoTime();
      }
      LockSupport.parkNanos(100_000_000);
    }
  }

  private void release(Store store) {
    try {
      var _ = store.queues().resume(Deeds.QUEUE);
      for (TaskRow row :
          store
              .taskViews()
              .list(
                  TaskViews.Filter.of(Set.of(TaskState.PAUSED), Optional.empty()),
                  OptionalLong.empty(),
                  200)
              .rows()) {
        var _ = store.operatorMoves().resume(row.id(), "kim");
      }
      for (long undo : yard.numbers(FAILED_UNDOS)) {
        var _ = store.operatorMoves().rerun(undo, "kim");
      }
      // their clients were not told that they are open, or not that they are sealed
      for (long batch : yard.numbers("select id from batchyard.batch where sealed_at is null")) {
        var _ = store.batches().seal(batch);
      }
    } catch (StoreUnavailable e) {
      return; // the next round does it
    }
  }

  HistoryChecker checker(Connection db, Journal told) throws SQLException {
    return new HistoryChecker(db, told, yard.installation().store().taskViews());
  }

  /**
   * Looks at everything.
   *
   * @param done what was done, with figures
   */
  Report report(String done) throws SQLException {
    try (Connection db = yard.connect()) {
      HistoryChecker checker = checker(db, journal);
      Map<String, List<String>> violations = checker.check();
      return new Report(
          "%s; %s; %d invariants, %d violated"
              .formatted(done, tasks(db, checker), checker.invariants().size(), violations.size()),
          violations);
    }
  }

  private String tasks(Connection db, HistoryChecker checker) throws SQLException {
    long lost = journal.calls().stream().filter(c -> !c.isAnswered()).count();
    StringBuilder ends = new StringBuilder();
    try (Statement statement = db.createStatement();
        ResultSet row =
            statement.executeQuery(
                """
                select state::text, count(*) from batchyard.outcome group by state
                union all
                select 'attempts ' || ended, count(*) from batchyard.attempt_log group by ended
                union all
                select 'batches', count(*) from batchyard.batch
                union all
                select 'boots fenced since ' || fenced_why, count(*) from batchyard.node
                 where fenced_why like 'its%' group by 1
                union all
                select 'writes refused', sum(refused) from batchyard.node having sum(refused) > 0
                union all
                select 'error ' || (error ->> 'kind'), count(*) from batchyard.outcome
                 where error ->> 'kind' in ('QueueTimeout', 'TotalTimeout', 'DeadlinePassed')
                 group by 1
                order by 1
                """)) {
      while (row.next()) {
        ends.append(", ").append(row.getString(1)).append(' ').append(row.getLong(2));
      }
    }
    return "%d calls (%d without an answer), %d asked for, %d tasks%s, cancels requested for good %d"
        .formatted(
            journal.calls().size(),
            lost,
            journal.numbers(),
            checker.tasks(),
            ends,
            journal.cancelsRequestedForGood().size());
  }
}
