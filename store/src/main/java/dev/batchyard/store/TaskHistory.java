package dev.batchyard.store;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.Event;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What happened to one task: the moves that its rows imply (submitted, claimed, finished, due)
 * together with those that were stored as events.
 */
final class TaskHistory {

  /** The most attempts and the most events that are read, the newest. */
  private static final int ROWS_MAX = 1_000;

  private static final String ATTEMPTS =
      """
      select * from (
        select attempt, generation, node, started_at, ended_at, ended, final, error,
               error ->> 'message' as problem
          from (select * from attempt_log where task = ? order by id desc limit ?) a
        union all
        select attempt, generation, node, started_at, finished_at, state::text, true, error,
               error ->> 'message'
          from outcome
         where id = ? and lease is not null
        union all
        select l.attempt, l.generation, n.name, coalesce(r.started_at, l.claimed_at), null,
               'running', false, null, null
          from lease l
          left join node n on n.boot = l.boot
          left join running r on r.task = ? and r.lease = l.id
         where l.ids @> ?::bigint) a
       order by attempt
      """;

  private static final String EVENTS =
      """
      select at, from_state, to_state, by, why
        from (select * from event where task = ? order by id desc limit ?) e
       order by id
      """;

  /** One move, known to have happened at about that time. */
  private record Move(Instant at, TaskState from, TaskState to, String by, String why) {}

  private record Run(Attempt attempt, boolean end, String problem) {}

  private final List<Run> runs;
  private final List<Move> stored;

  private TaskHistory(List<Run> runs, List<Move> stored) {
    this.runs = runs;
    this.stored = stored;
  }

  static TaskHistory read(Connection connection, long task) throws SQLException {
    return new TaskHistory(
        Sql.query(connection, ATTEMPTS, TaskHistory::run, task, ROWS_MAX, task, task, task),
        Sql.query(connection, EVENTS, TaskHistory::event, task, ROWS_MAX));
  }

  List<Attempt> attempts() {
    return runs.stream().map(Run::attempt).toList();
  }

  /**
   * The moves in the order in which they can have happened. Times alone do not give it: some of
   * them are reckoned from durations. So the next move is always the earliest one that starts where
   * the task stands, if need be after it became due.
   *
   * @param submittedAs the state that it was submitted in
   */
  List<Event> events(TaskRow row, TaskState submittedAs) {
    List<Move> open = new ArrayList<>(stored);
    runs.forEach(run -> addMoves(run, open));
    open.sort(Comparator.comparing(Move::at));
    List<Event> events = new ArrayList<>();
    TaskState state = submittedAs;
    events.add(new Event(row.submitted(), "", state.word(), "", "submitted"));
    while (!open.isEmpty()) {
      Move next = takeNext(open, state);
      if (next.from() != state && becomesReady(state, next.from())) {
        events.add(due(state, next.at()));
      }
      events.add(new Event(next.at(), next.from().word(), next.to().word(), next.by(), next.why()));
      state = next.to();
    }
    if (becomesReady(state, row.state())) {
      events.add(due(state, row.due()));
    }
    return events;
  }

  private static Move takeNext(List<Move> open, TaskState state) {
    for (Move move : open) {
      if (move.from() == state || becomesReady(state, move.from())) {
        open.remove(move);
        return move;
      }
    }
    return open.removeFirst();
  }

  /** Time alone makes a task ready. */
  private static boolean becomesReady(TaskState from, TaskState to) {
    return to == TaskState.READY && (from == TaskState.SCHEDULED || from == TaskState.RETRYING);
  }

  private static Event due(TaskState from, Instant at) {
    return new Event(at, from.word(), TaskState.READY.word(), "", "due");
  }

  private static void addMoves(Run run, List<Move> moves) {
    Attempt attempt = run.attempt();
    String node = attempt.node().orElse("");
    if (attempt.started().isPresent()) {
      String why = "attempt " + attempt.attempt();
      moves.add(new Move(attempt.started().get(), TaskState.READY, TaskState.RUNNING, node, why));
    }
    if (attempt.finished().isPresent() && !neverStarted(attempt)) {
      end(run)
          .ifPresent(to ->
              moves.add(
                  new Move(attempt.finished().get(), TaskState.RUNNING, to, node, why(run, to))));
    }
  }

  /** Claimed and given back without its handler: it was ready all the time. */
  private static boolean neverStarted(Attempt attempt) {
    return attempt.started().isEmpty() && "released".equals(attempt.ended());
  }

  /** Where the end of an attempt led, unless an event says it. */
  private static Optional<TaskState> end(Run run) {
    return switch (run.attempt().ended()) {
      case "completed" -> Optional.of(TaskState.COMPLETED);
      case "failed" -> Optional.of(run.end() ? TaskState.FAILED : TaskState.RETRYING);
      case "snoozed" -> Optional.of(TaskState.SCHEDULED);
      case "released" -> Optional.of(TaskState.READY);
      default -> Optional.empty();
    };
  }

  private static String why(Run run, TaskState to) {
    return run.problem().isEmpty() ? run.attempt().ended() : to.word() + ": " + run.problem();
  }

  private static Run run(ResultSet row) throws SQLException {
    Optional<String> error = Sql.maybeText(row, "error");
    return new Run(
        new Attempt(
            row.getInt("attempt"),
            row.getInt("generation"),
            Sql.maybeText(row, "node"),
            Sql.maybeInstant(row, "started_at"),
            Sql.maybeInstant(row, "ended_at"),
            row.getString("ended"),
            error),
        row.getBoolean("final"),
        Sql.maybeText(row, "problem").orElse(""));
  }

  private static Move event(ResultSet row) throws SQLException {
    return new Move(
        Sql.instant(row, "at"),
        TaskRows.state(row.getString("from_state")),
        TaskRows.state(row.getString("to_state")),
        row.getString("by"),
        row.getString("why"));
  }
}
