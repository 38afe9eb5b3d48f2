package dev.batchyard.app.process;

import dev.batchyard.app.process.HistoryChecker.Invariant;
import dev.batchyard.app.process.Journal.Asked;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The invariants of {@link HistoryChecker} about what is done to tasks from outside: by operators
 * and by the limits of their submits.
 */
final class MoveChecker {

  static final String CANCELS_HOLD = "cancels hold";
  static final String REQUESTED_CANCELS_HOLD = "requested cancels hold";
  static final String ONLY_ASKED_CANCELS = "only asked cancels";
  static final String LIMITS_END_WHAT_PASSES_THEM = "limits end what passes them";
  static final String LIMITS_END_NOTHING_ELSE = "limits end nothing else";
  static final String ATTEMPTS_ARE_FEW = "attempts are few";

  /**
   * Half of the snoozing attempts snooze again, an operator's pause and each blow at a node cost
   * one more: a node that takes a task and gives it back in a loop makes hundreds.
   */
  private static final int ATTEMPTS_MAX = 60;

  private final Rows db;
  private final Journal journal;

  MoveChecker(Rows db, Journal journal) {
    this.db = db;
    this.journal = journal;
  }

  /** {@return all of them, by their names} */
  Map<String, Invariant> all() {
    Map<String, Invariant> all = new LinkedHashMap<>();
    all.put(CANCELS_HOLD, this::cancelsHold);
    all.put(REQUESTED_CANCELS_HOLD, this::requestedCancelsHold);
    all.put(ONLY_ASKED_CANCELS, this::onlyAskedCancels);
    all.put(LIMITS_END_WHAT_PASSES_THEM, this::limitsEndWhatPassesThem);
    all.put(LIMITS_END_NOTHING_ELSE, this::limitsEndNothingElse);
    all.put(ATTEMPTS_ARE_FEW, this::attemptsAreFew);
    return all;
  }

  private List<String> cancelsHold() throws SQLException {
    Set<Long> cancelled = cancelled();
    return journal.cancelledForGood().stream()
        .filter(task -> !cancelled.contains(task))
        .map(task -> "task " + task + " was told to be cancelled")
        .toList();
  }

  /**
   * A task whose attempt was asked to cancel ends by that attempt, or is cancelled: it is not set
   * aside, does not wait and does not start again. Clients and PostgreSQL have one clock. Where a
   * node lost the task, its attempt is logged beside the cancelled end.
   */
  private List<String> requestedCancelsHold() throws SQLException {
    Map<Long, Instant> requested = journal.cancelsRequestedForGood();
    List<String> found = new ArrayList<>();
    db.each(
        """
        select task, at, from_state || ' became ' || to_state
          from batchyard.event
         where from_state <> 'running' or to_state = 'paused'
        union all
        select a.task, a.ended_at, 'its attempt ' || a.attempt || ' ended as ' || a.ended
          from batchyard.attempt_log a
          left join batchyard.outcome o on o.id = a.task
         where not (a.ended in ('lost', 'released') and o.state = 'cancelled' and o.lease is null)
        """,
        row -> {
          Instant told = requested.get(row.getLong(1));
          Instant at = row.getObject(2, OffsetDateTime.class).toInstant();
          if (told != null && at.isAfter(told)) {
            found.add(
                "task %d was to be cancelled by %s; then, at %s, %s"
                    .formatted(row.getLong(1), told, at, row.getString(3)));
          }
        });
    return found;
  }

  private List<String> onlyAskedCancels() throws SQLException {
    return cancelled().stream()
        .filter(task -> !journal.wasCancelTried(task))
        .map(task -> "task " + task + " is cancelled; nobody asked for that")
        .toList();
  }

  private Set<Long> cancelled() throws SQLException {
    Set<Long> found = new HashSet<>();
    db.each(
        "select id from batchyard.outcome where state = 'cancelled'",
        row -> found.add(row.getLong(1)));
    return found;
  }

  /** What cannot start before a limit of it has passed has failed by it, or was cancelled. */
  private List<String> limitsEndWhatPassesThem() throws SQLException {
    List<String> found = new ArrayList<>();
    eachEnd((task, bounds, state, error) -> {
      boolean fine = state.equals("cancelled") || bounds.error().equals(error);
      if (bounds.error().isPresent() && !fine && !journal.wasRerunTried(task)) {
        found.add("task %d, %s, is %s by %s".formatted(task, bounds, state, error));
      }
    });
    return found;
  }

  private List<String> limitsEndNothingElse() throws SQLException {
    List<String> found = new ArrayList<>();
    eachEnd((task, bounds, state, error) -> {
      boolean limited = error.filter(MoveChecker::ofLimit).isPresent();
      if (limited && !bounds.error().equals(error)) {
        found.add("task %d, %s, is %s by %s".formatted(task, bounds, state, error));
      }
    });
    return found;
  }

  private static boolean ofLimit(String error) {
    return error.endsWith("Timeout") || error.equals("DeadlinePassed");
  }

  private interface EndSeen {
    void see(long task, Bounds bounds, String state, Optional<String> error);
  }

  private void eachEnd(EndSeen seen) throws SQLException {
    db.each(
        """
        select o.id, o.state, o.error ->> 'kind', (t.params ->> 'number')::bigint
          from batchyard.outcome o join batchyard.task t on t.id = o.id and t.flags & 16 = 0
        """,
        row -> {
          long number = row.getLong(4);
          Optional<Asked> asked = journal.call(number).map(c -> c.asked(number));
          if (asked.isPresent()) {
            seen.see(
                row.getLong(1),
                asked.get().bounds(),
                row.getString(2),
                Optional.ofNullable(row.getString(3)));
          }
        });
  }

  private List<String> attemptsAreFew() throws SQLException {
    return db.some(
        """
        select task, count(*), count(*) filter (where ended = 'released') as released
          from batchyard.attempt_log
         group by task
        having count(*) > %d
        """
            .formatted(ATTEMPTS_MAX));
  }
}
