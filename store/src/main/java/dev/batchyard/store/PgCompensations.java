package dev.batchyard.store;

import dev.batchyard.engine.port.Compensations;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/** Reads steps and compensations, then the rows of their tasks, in one snapshot. */
final class PgCompensations implements Compensations {

  private static final String ONE_SNAPSHOT =
      """
      set transaction isolation level repeatable read, read only
      """;

  // the step at its turn is the last one that is not undone
  private static final String COLUMNS =
      """
      select c.task, c.round, c.state, c.moved_at, t.label, l.type, s.name, s.undo_task
        from (%s) c
        join task t on t.id = c.task
        join lane l on l.id = t.lane
        left join lateral (
          select s.name, s.undo_task
            from step s
           where s.task = c.task and s.round = c.round
             and s.undo_task is not null and s.undone_at is null
           order by s.number desc
           limit 1) s on true
       order by c.task desc
      """;

  // the open ones are few, and have an index of their own; of a task only its last round can be
  // open
  static final String OPEN =
      COLUMNS.formatted(
          """
          select task, round, state, moved_at
            from compensation
           where state <> 'undone' and state = any (?) and task < ?
           order by task desc
           limit ?
          """);

  static final String ALL =
      COLUMNS.formatted(
          """
          select task, round, state, moved_at
            from compensation c
           where state = any (?) and task < ?
             and not exists (select from compensation n where n.task = c.task and n.round > c.round)
           order by task desc
           limit ?
          """);

  private static final String LAST =
      COLUMNS.formatted(
          """
          select task, round, state, moved_at
            from compensation
           where task = ?
           order by round desc
           limit 1
          """);

  private static final String STEPS =
      """
      select round, number, name, started_at, done_at, result, undo_type, undo_params, undo_task,
             settled, settled_at, settled_by, settled_why
        from step
       where task = ?
       order by round, number
      """;

  private static final String UNDOES =
      """
      select task, name from step where undo_task = ?
      """;

  private record Row(Compensation compensation, OptionalLong undo, String step) {

    Compensation with(Map<Long, TaskRow> tasks) {
      TaskRow row = undo.isPresent() ? tasks.get(undo.getAsLong()) : null;
      Compensation c = compensation;
      return row == null
          ? c
          : new Compensation(
              c.task(),
              c.type(),
              c.label(),
              c.round(),
              c.state(),
              c.since(),
              Optional.of(new Turn(step, row.id(), row.state(), row.problem())));
    }
  }

  private final Db db;
  private final TaskRows rows;

  PgCompensations(Db db, StoreClock clock) {
    this.db = db;
    this.rows = new TaskRows(clock);
  }

  @Override
  public Page list(Set<State> states, OptionalLong before, int limit) {
    int most = Math.clamp(limit, 1, PAGE_MAX);
    Set<State> wanted = states.isEmpty() ? Set.of(State.values()) : states;
    String sql = wanted.contains(State.UNDONE) ? ALL : OPEN;
    String[] words = wanted.stream().map(State::word).toArray(String[]::new);
    return db.transaction(c -> {
      Sql.run(c, ONE_SNAPSHOT);
      List<Row> found =
          Sql.query(c, sql, PgCompensations::row, words, before.orElse(Long.MAX_VALUE), most + 1);
      List<Row> page = found.subList(0, Math.min(most, found.size()));
      Map<Long, TaskRow> tasks = tasks(c, page.stream().map(Row::undo));
      return new Page(
          page.stream().map(row -> row.with(tasks)).toList(),
          found.size() > most
              ? OptionalLong.of(page.getLast().compensation().task())
              : OptionalLong.empty());
    });
  }

  @Override
  public TaskSteps of(long task) {
    return db.transaction(c -> {
      Sql.run(c, ONE_SNAPSHOT);
      List<Step> steps = Sql.query(c, STEPS, PgCompensations::step, task);
      Optional<Undoes> undoes =
          Sql.first(c, UNDOES, r -> new Undoes(r.getLong("task"), r.getString("name")), task);
      if (steps.isEmpty()) {
        return new TaskSteps(steps, Optional.empty(), undoes);
      }
      Optional<Row> last = Sql.first(c, LAST, PgCompensations::row, task);
      Map<Long, TaskRow> tasks =
          tasks(c, steps.stream().flatMap(s -> s.undo().stream()).map(StepUndo::task));
      return new TaskSteps(
          steps.stream().map(step -> with(step, tasks)).toList(),
          last.map(row -> row.with(tasks)),
          undoes);
    });
  }

  private Map<Long, TaskRow> tasks(Connection connection, Stream<OptionalLong> ids)
      throws SQLException {
    Map<Long, TaskRow> found = new HashMap<>();
    long[] wanted = ids.flatMapToLong(OptionalLong::stream).toArray();
    rows.read(connection, wanted).forEach(row -> found.put(row.id(), row));
    return found;
  }

  private static Step with(Step step, Map<Long, TaskRow> tasks) {
    return new Step(
        step.round(),
        step.number(),
        step.name(),
        step.started(),
        step.done(),
        step.resultJson(),
        step.undo()
            .map(undo ->
                new StepUndo(
                    undo.type(),
                    undo.paramsJson(),
                    undo.task(),
                    undo.task().isPresent()
                        ? Optional.ofNullable(tasks.get(undo.task().getAsLong()))
                            .map(TaskRow::state)
                        : Optional.empty())),
        step.settled());
  }

  private static Row row(ResultSet row) throws SQLException {
    return new Row(
        new Compensation(
            row.getLong("task"),
            row.getString("type"),
            row.getString("label"),
            row.getInt("round"),
            State.valueOf(row.getString("state").toUpperCase(Locale.ROOT)),
            Sql.instant(row, "moved_at"),
            Optional.empty()),
        Sql.maybeLong(row, "undo_task"),
        Objects.requireNonNullElse(row.getString("name"), ""));
  }

  private static Step step(ResultSet row) throws SQLException {
    Optional<String> undoType = Sql.maybeText(row, "undo_type");
    OptionalLong undoTask = Sql.maybeLong(row, "undo_task");
    String undoParams = Objects.requireNonNullElse(row.getString("undo_params"), "");
    return new Step(
        row.getInt("round"),
        row.getInt("number"),
        row.getString("name"),
        Sql.instant(row, "started_at"),
        Sql.maybeInstant(row, "done_at"),
        Sql.maybeText(row, "result"),
        undoType.map(type -> new StepUndo(type, undoParams, undoTask, Optional.empty())),
        Sql.maybeInstant(row, "settled_at").isEmpty()
            ? Optional.empty()
            : Optional.of(
                new Settled(
                    Sql.maybeText(row, "settled"),
                    Sql.instant(row, "settled_at"),
                    row.getString("settled_by"),
                    row.getString("settled_why"))));
  }
}
