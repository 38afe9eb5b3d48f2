package dev.batchyard.store;

import dev.batchyard.api.Limits;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.Transitions;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.store.server.Database;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.UUID;
import java.util.stream.LongStream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A store over emptied tables, whose clock a test moves, and the few calls that most tests make of
 * it.
 */
final class StoreFixture implements AutoCloseable {

  static final String TYPE = "test.work";
  static final Instant START = Instant.parse("2031-03-30T01:30:00.123456Z");

  private static final String EMPTY =
      """
      truncate task, step, compensation, expiry, task_key, batch, outcome, tally, block, lease, parked, request, running, node, cordon,
               checkpoint, checkpoint_log, reject, attempt_log, event, log_line, lane, doctor_look
       restart identity
      """;

  private static final String QUEUES_AS_MADE =
      """
      delete from queue where name <> 'default';
      delete from retry_policy where name not in ('default', 'critical');
      delete from retry_rule;
      delete from pool;
      delete from requirement where id > 0;
      update queue set age_step = '60 s', paused_by = null, paused_at = null;
      update id_span set entered_at = null, keep_until = null, kept_why = null
      """;

  final Database database;
  final DataSource source;
  final Store store;
  final Random random = new Random(42);
  volatile Instant now = START;

  StoreFixture(TestDatabase test) {
    this.database = test.database(new UUID(1, 1));
    this.source = database.queue();
    this.store =
        new Store(
            source,
            database::session,
            () -> Optional.of(now),
            new Random(7),
            Store.Settings.DEFAULT);
    sql(EMPTY);
    sql(QUEUES_AS_MADE);
  }

  @Override
  public void close() {
    database.close();
  }

  void pass(Duration duration) {
    now = now.plus(duration);
  }

  /** Time moves here faster than claims pass over pools that were full. */
  void passNothingOver() {
    store.forgetFullPools();
  }

  static TaskDraft draft() {
    return new TaskDraft(
        TYPE,
        "{\"n\": 1}",
        "任务",
        "default",
        4,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        "default");
  }

  static TaskDraft limited(Limits limits) {
    return limited(limits, Optional.empty());
  }

  static TaskDraft limited(Limits limits, Instant due) {
    return limited(limits, Optional.of(due));
  }

  private static TaskDraft limited(Limits limits, Optional<Instant> due) {
    return new TaskDraft(
        TYPE, "{}", "", "default", 4, due, TaskKeys.NONE, OptionalLong.empty(), "default", limits);
  }

  static TaskDraft due(Instant due) {
    return new TaskDraft(
        TYPE,
        "{}",
        "",
        "default",
        4,
        Optional.of(due),
        TaskKeys.NONE,
        OptionalLong.empty(),
        "default");
  }

  static TaskDraft keyed(String key) {
    return new TaskDraft(
        TYPE,
        "{}",
        "",
        "default",
        4,
        Optional.empty(),
        TaskKeys.NONE.withIdempotency(key),
        OptionalLong.empty(),
        "default");
  }

  static TaskDraft in(String queue) {
    return new TaskDraft(
        TYPE, "{}", "", queue, 4, Optional.empty(), TaskKeys.NONE, OptionalLong.empty(), "default");
  }

  /** A task that uses so many units of each of these pools. */
  static TaskDraft using(Map<String, Integer> pools) {
    return new TaskDraft(
        TYPE,
        "{}",
        "",
        "default",
        4,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        "default",
        Limits.NONE,
        Requirement.NONE,
        pools);
  }

  static TaskDraft member(long batch) {
    return new TaskDraft(
        TYPE,
        "{}",
        "",
        "default",
        4,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.of(batch),
        "default");
  }

  long submit() {
    return submit(draft());
  }

  long submit(TaskDraft draft) {
    return store.submissions().submit(List.of(draft)).getFirst().task();
  }

  List<Long> submit(List<TaskDraft> drafts) {
    return store.submissions().submit(drafts).stream().map(Submitted::task).toList();
  }

  List<Long> submit(int count) {
    List<Long> ids = new ArrayList<>();
    for (int left = count; left > 0; left -= 1000) {
      store
          .submissions()
          .submit(LongStream.range(0, Math.min(left, 1000)).mapToObj(_ -> draft()).toList())
          .stream()
          .map(Submitted::task)
          .forEach(ids::add);
    }
    return ids;
  }

  /** A registered node whose session is closed again: its lock is free, its row stays. */
  UUID node() {
    UUID boot = new UUID(random.nextLong(), random.nextLong());
    open(boot, "node-" + boot).close();
    return boot;
  }

  NodeSession open(UUID boot, String name) {
    return store
        .sessions()
        .open(new NodeRegistration(boot, name, "host", 1, "0", List.of(TYPE), 8));
  }

  List<Claim> claim(UUID boot, int wanted) {
    return claim(boot, wanted, true);
  }

  List<Claim> claim(UUID boot, int wanted, boolean idle) {
    UUID token = new UUID(random.nextLong(), random.nextLong());
    return store.claims().claim(boot, token, Map.of(TYPE, 500), wanted, idle);
  }

  Claim claimOne(UUID boot) {
    return claim(boot, 1).getFirst();
  }

  Finishes.Result finish(List<Claim> claims, Verdict verdict) {
    return store
        .finishes()
        .finish(
            claims.stream()
                .map(c -> new Finish(c, verdict, "node", Duration.ofMillis(3)))
                .toList());
  }

  Finishes.Result finish(Claim claim, Verdict verdict) {
    return finish(List.of(claim), verdict);
  }

  static Verdict complete() {
    return new Verdict.Complete("{\"rows\": 3}");
  }

  static Verdict retry(Duration delay) {
    return new Verdict.Retry(delay, failure());
  }

  static Failure failure() {
    return new Failure("Oops", "坏了", "at x");
  }

  /** Fences a node and rescues what it had. */
  int kill(UUID boot) {
    lose(boot);
    return store.rescues().rescue();
  }

  /** Fences a node as one that died. */
  void lose(UUID boot) {
    sql(
        """
        update node set fenced_at = '%s', fenced_why = 'its session is gone'
         where boot = '%s' and fenced_at is null
        """
            .formatted(now, boot));
  }

  TaskState state(long task) {
    return detail(task).row().state();
  }

  TaskViews.TaskDetail detail(long task) {
    return store.taskViews().find(task).orElseThrow();
  }

  /** Why a task does not run, in the words for machines. */
  List<String> reasons(long task) {
    return store.waitReasons().of(task).orElseThrow().waits().stream().map(Wait::reason).toList();
  }

  /** The states of a task in order, by its history. */
  List<TaskState> history(long task) {
    return detail(task).events().stream()
        .map(e -> TaskState.valueOf(e.to().toUpperCase(Locale.ROOT)))
        .toList();
  }

  boolean historyIsLegal(long task) {
    List<TaskState> states = history(task);
    return Transitions.firstIllegal(states) == -1 && states.getLast() == state(task);
  }

  /** Moves a task's checkpoint as its sink would. */
  void commitChunk(Claim claim) {
    sql(
        """
        select commit_chunk(%d, '%s', 0, 1, '{"row": 5}', 5, 4, 0, 1, null)
        """
            .formatted(claim.task(), claim.token()));
  }

  void sql(String sql) {
    try (Connection c = source.getConnection();
        Statement s = c.createStatement()) {
      s.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  long count(String sql, @Nullable Object... values) {
    try (Connection c = source.getConnection()) {
      return Sql.query(c, sql, r -> r.getLong(1), values).getFirst();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The plan of a statement that is good for all values, as the server keeps it. */
  String plan(String statement) {
    int parameters = 0;
    StringBuilder numbered = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < statement.length(); i++) {
      char each = statement.charAt(i);
      quoted ^= each == '\'';
      boolean parameter = each == '?' && !quoted;
      numbered.append(parameter ? "$" + ++parameters : String.valueOf(each));
    }
    try (Connection c = source.getConnection()) {
      Sql.run(c, "set plan_cache_mode = force_generic_plan");
      Sql.run(c, "prepare planned as " + numbered);
      try {
        String nulls = String.join(", ", Collections.nCopies(parameters, "null"));
        String values = parameters == 0 ? "" : "(" + nulls + ")";
        return String.join(
            "\n", Sql.query(c, "explain execute planned" + values, r -> r.getString(1)));
      } finally {
        Sql.run(c, "deallocate planned");
        Sql.run(c, "reset plan_cache_mode");
      }
    } catch (SQLException e) {
      throw new IllegalStateException(statement, e);
    }
  }
}
