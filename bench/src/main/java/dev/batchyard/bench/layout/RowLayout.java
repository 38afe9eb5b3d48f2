package dev.batchyard.bench.layout;

import dev.batchyard.api.Progress;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.TimeLimits;
import dev.batchyard.engine.task.Verdict;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A row for each task, with batched claims and ends as in the product: skip locked, a low-water
 * mark, a token that guards each end, a fenced node gets nothing, a paused queue gives nothing,
 * results and errors kept. Simpler than the product where that makes it faster: one lane in a
 * claim, no requests that arrive while a task runs, no tally.
 */
public final class RowLayout implements Layout, Submissions, Claims, Finishes {

  private static final String READY = "ready";

  private final String name;
  private final String about;
  private final String tables;
  private final String finish;
  private final String count;
  private final DataSource source;

  /** Where the last claim ended; a claim that finds nothing behind it looks from the start. */
  private volatile @Nullable Mark mark;

  private RowLayout(
      String name, String about, String tables, String finish, String count, DataSource source) {
    this.name = name;
    this.about = about;
    this.tables = tables;
    this.finish = finish;
    this.count = count;
    this.source = source;
  }

  /** The place of a waiting task in its lane. */
  private record Mark(OffsetDateTime due, long id) {}

  /** {@return one table whose state column is updated in place} */
  public static RowLayout inPlace(DataSource source) {
    return new RowLayout(
        "a",
        "one table, state updated in place",
        RowTables.IN_PLACE,
        RowTables.FINISH_IN_PLACE,
        RowTables.COUNT_IN_PLACE,
        source);
  }

  /** {@return a live table whose rows move to a history table when they end} */
  public static RowLayout moving(DataSource source) {
    return new RowLayout(
        "b",
        "a live table, moved to a history table at the end",
        RowTables.MOVING,
        RowTables.FINISH_MOVING,
        RowTables.COUNT_MOVING,
        source);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String about() {
    return about;
  }

  @Override
  public void create() throws SQLException {
    Statements.execute(source, tables);
  }

  @Override
  public Submissions submissions() {
    return this;
  }

  @Override
  public Claims claims() {
    return this;
  }

  @Override
  public Finishes finishes() {
    return this;
  }

  @Override
  public long ended() throws SQLException {
    return Statements.number(source, count);
  }

  @Override
  public List<Submitted> submit(List<TaskDraft> drafts) {
    return Statements.query(
        source,
        RowTables.SUBMIT,
        row -> new Submitted(row.getLong("id"), true),
        texts(drafts, TaskDraft::type),
        texts(drafts, TaskDraft::label),
        texts(drafts, TaskDraft::paramsJson),
        texts(drafts, TaskDraft::retry),
        texts(drafts, draft -> draft.keys().idempotency().orElse(null)),
        texts(drafts, draft -> draft.due().map(Object::toString).orElse(null)));
  }

  @Override
  public List<Claim> claim(
      UUID boot,
      UUID token,
      Map<String, Integer> leaseMaxByType,
      int free,
      int slots,
      boolean suspects,
      Set<Integer> requirements) {
    Mark from = mark;
    List<Claim> claimed = claim(boot, token, leaseMaxByType, free, from);
    if (claimed.isEmpty() && from != null) {
      mark = null; // what came late or went back may lie before it
      return claim(boot, token, leaseMaxByType, free, null);
    }
    return claimed;
  }

  private List<Claim> claim(
      UUID boot, UUID token, Map<String, Integer> leaseMaxByType, int free, @Nullable Mark from) {
    return Statements.query(
        source,
        RowTables.CLAIM,
        row -> {
          mark = new Mark(row.getObject("due_at", OffsetDateTime.class), row.getLong("id"));
          return claim(row, token);
        },
        leaseMaxByType.keySet().toArray(String[]::new),
        from == null ? OffsetDateTime.MIN : from.due(),
        from == null ? 0 : from.id(),
        boot,
        free,
        token,
        boot);
  }

  private static Claim claim(ResultSet row, UUID token) throws SQLException {
    return new Claim(
        row.getLong("id"),
        row.getString("type"),
        row.getString("params"),
        new Counters(
            row.getInt("attempt"),
            row.getInt("failures"),
            row.getInt("crashes"),
            row.getInt("generation")),
        RetryPolicy.DEFAULT,
        row.getLong("id"), // a lease of its own for each task
        token,
        false,
        new Progress(0, 0),
        0,
        TimeLimits.NONE);
  }

  @Override
  public int releaseUnheld(UUID boot, Set<Long> held) {
    int released =
        Statements.query(
                source,
                RowTables.RELEASE_UNHELD,
                row -> row.getLong("id"),
                boot,
                held.stream().mapToLong(Long::longValue).toArray())
            .size();
    if (released > 0) {
      mark = null; // they lie before it
    }
    return released;
  }

  @Override
  public Result finish(List<Finish> ends) {
    List<Long> kept =
        Statements.query(
            source,
            finish,
            row -> row.getLong("id"),
            ends.stream().mapToLong(end -> end.claim().task()).toArray(),
            texts(ends, end -> end.claim().token().toString()),
            texts(ends, end -> state(end.verdict())),
            ends.stream().mapToLong(end -> delay_ms(end.verdict())).toArray(),
            ends.stream().mapToLong(end -> end.ran().toMillis()).toArray(),
            texts(ends, Finish::node),
            texts(ends, end -> end.verdict() instanceof Verdict.Complete(var json) ? json : null),
            texts(ends, end -> why(end.verdict(), Failure::kind)),
            texts(ends, end -> why(end.verdict(), Failure::message)));
    if (ends.stream().anyMatch(end -> state(end.verdict()).equals(READY))) {
      mark = null; // they lie before it
    }
    Set<Long> refused = new HashSet<>();
    ends.forEach(end -> refused.add(end.claim().task()));
    kept.forEach(refused::remove);
    return new Result(Set.copyOf(kept), refused);
  }

  private static String state(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Complete _ -> "completed";
      case Verdict.Fail _ -> "failed";
      case Verdict.Cancel _ -> "cancelled";
      case Verdict.Retry _, Verdict.Snooze _, Verdict.Release _, Verdict.Spare _ -> READY;
      case Verdict.Pause _, Verdict.Wait _, Verdict.Drop _ ->
          throw new IllegalArgumentException("no benchmark asks for " + verdict);
    };
  }

  private static long delay_ms(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Retry(var delay, var _) -> delay.toMillis();
      case Verdict.Snooze(var delay) -> delay.toMillis();
      default -> 0;
    };
  }

  private static @Nullable String why(Verdict verdict, Function<Failure, String> part) {
    return switch (verdict) {
      case Verdict.Fail(var why) -> part.apply(why);
      case Verdict.Retry(var _, var why) -> part.apply(why);
      default -> null;
    };
  }

  private static <T> @Nullable String[] texts(List<T> rows, Function<T, @Nullable String> column) {
    return rows.stream().map(column).toArray(String[]::new);
  }
}
