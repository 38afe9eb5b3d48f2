package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Engine;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.Transitions;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

@PostgresTest
class EngineTest {

  private static final Duration SOON = Duration.ofSeconds(20);

  private final TestDatabase database;

  EngineTest(TestDatabase database) {
    this.database = database;
  }

  @Test
  void a_completed_task_keeps_its_result() throws Exception {
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.result", 1, (p, c) -> Outcome.completed(Map.of("twice", 2 * p.number()))))) {
      nodes.start("a");
      long task = submit(nodes, "t.result", 21);
      awaitState(nodes, task, TaskState.COMPLETED);
      TaskDetail detail = find(nodes, task);
      assertThat(detail.resultJson()).get().asString().contains("42");
      assertThat(detail.row().counters().attempt()).isEqualTo(1);
      assertLegal(detail);
    }
  }

  @Test
  void a_failing_task_uses_up_its_retries_and_a_final_failure_none() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    database.execute(
        "insert into batchyard.retry_policy values ('quick', 2, 'linear', '1 ms', '1 ms')");
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.fails",
                1,
                (p, c) -> {
                  calls.incrementAndGet();
                  throw p.number() == 0
                      ? new FinalFailure("没有这个文件")
                      : new IllegalStateException("try " + calls);
                }))) {
      nodes.start("a");
      long retried =
          nodes
              .submitter()
              .submit(NewTask.of("t.fails", new Nodes.Numbered(1)).withRetry("quick"))
              .task();
      awaitState(nodes, retried, TaskState.FAILED);
      assertThat(calls).hasValue(3);
      assertThat(find(nodes, retried).row().problem()).contains("try 3");
      assertLegal(find(nodes, retried));

      long last = submit(nodes, "t.fails", 0);
      awaitState(nodes, last, TaskState.FAILED);
      assertThat(calls).hasValue(4);
      assertThat(find(nodes, last).row().problem()).contains("没有这个文件");
    }
  }

  @Test
  void a_running_task_can_be_paused_resumed_and_cancelled() throws Exception {
    Semaphore begun = new Semaphore(0);
    try (Nodes nodes =
        new Nodes(database, Nodes.type("t.obeys", 1, (p, c) -> untilAsked(begun, c)))) {
      nodes.start("a");
      long task = submit(nodes, "t.obeys", 1);
      begun.acquire();
      assertThat(nodes.client().operatorMoves().pause(task, "王小明")).isEqualTo(Move.REQUESTED);
      awaitState(nodes, task, TaskState.PAUSED);
      assertThat(nodes.client().operatorMoves().resume(task, "王小明")).isEqualTo(Move.DONE);
      begun.acquire();
      assertThat(nodes.client().operatorMoves().cancel(task, "王小明")).isEqualTo(Move.REQUESTED);
      awaitState(nodes, task, TaskState.CANCELLED);
      assertThat(nodes.client().operatorMoves().rerun(task, "王小明")).isEqualTo(Move.DONE);
      begun.acquire();
      assertThat(find(nodes, task).row().counters().generation()).isEqualTo(2);
      assertLegal(find(nodes, task));
    }
  }

  @Test
  void a_cancelled_handler_that_ignores_interruption_is_abandoned() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.deaf",
                1,
                (p, c) -> {
                  begun.countDown();
                  while (over.getCount() > 0) {
                    Thread.interrupted();
                    Thread.onSpinWait();
                  }
                  return Outcome.completed();
                }))) {
      Engine node = nodes.start("a");
      long task = submit(nodes, "t.deaf", 1);
      begun.await();
      nodes.client().operatorMoves().cancel(task, "me");
      awaitState(nodes, task, TaskState.CANCELLED);
      assertThat(node.running()).as("its slot is free").isZero();
      over.countDown();
    }
  }

  @Test
  void a_graceful_stop_releases_at_a_checkpoint_uncharged() throws Exception {
    Semaphore begun = new Semaphore(0);
    try (Nodes nodes =
        new Nodes(database, Nodes.type("t.long", 1, (p, c) -> untilAsked(begun, c)))) {
      Engine first = nodes.start("a");
      long task = submit(nodes, "t.long", 1);
      begun.acquire();
      first.close();
      assertThat(find(nodes, task).row().state()).isEqualTo(TaskState.READY);
      nodes.start("b");
      begun.acquire();
      TaskDetail detail = find(nodes, task);
      assertThat(detail.row().counters().attempt()).isEqualTo(2);
      assertThat(detail.row().counters().failures()).isZero();
      assertThat(detail.row().counters().crashes()).isZero();
      assertLegal(detail);
    }
  }

  /** Between the return of a handler and the store there is a moment, in which a node may stop. */
  @Test
  void a_stop_waits_for_an_end_that_is_not_yet_on_its_way_to_the_store() throws Exception {
    Semaphore begun = new Semaphore(0);
    CountDownLatch ending = new CountDownLatch(1);
    CountDownLatch on = new CountDownLatch(1);
    try (Nodes nodes =
        new Nodes(database, Nodes.type("t.ends", 1, (p, c) -> untilAsked(begun, c)))) {
      Engine node =
          nodes.start(
              "a",
              () -> {
                ending.countDown();
                awaitWhateverComes(on);
              });
      long task = submit(nodes, "t.ends", 1);
      begun.acquire();
      Thread stop =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  node.close();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      ending.await();
      assertThat(stop.join(Nodes.LEASE.dividedBy(4))).as("it has stopped too early").isFalse();
      on.countDown();
      stop.join();
      assertThat(find(nodes, task).row().state()).isEqualTo(TaskState.READY);
    }
  }

  @Test
  void a_lost_session_is_opened_again_under_the_same_boot() throws Exception {
    Semaphore begun = new Semaphore(0);
    try (Nodes nodes =
        new Nodes(database, Nodes.type("t.session", 1, (p, c) -> untilAsked(begun, c)))) {
      Engine node = nodes.start("lost-session");
      long task = submit(nodes, "t.session", 1);
      begun.acquire();
      UUID boot = node.boot();
      Logger loop = (Logger) LoggerFactory.getLogger(Engine.class.getPackageName() + ".Loop");
      ListAppender<ILoggingEvent> told = new ListAppender<>();
      told.list = new CopyOnWriteArrayList<>();
      told.start();
      Level before = loop.getLevel();
      loop.setLevel(Level.WARN); // tests turn loggers off
      loop.addAppender(told);
      database.execute(
          "select pg_terminate_backend(l.pid) from pg_locks l where l.locktype = 'advisory'");
      await().atMost(SOON).until(() -> told.list.stream().anyMatch(EngineTest::ofSession));
      await()
          .atMost(SOON)
          .until(() ->
              database
                  .ask(
                      "select count(*) from pg_locks l join pg_stat_activity a using (pid)"
                          + " where l.locktype = 'advisory' and a.datname = current_database()")
                  .equals("1"));
      loop.detachAppender(told);
      loop.setLevel(before);
      assertThat(told.list)
          .filteredOn(EngineTest::ofSession)
          .as("one line and no trace")
          .singleElement()
          .matches(event -> event.getLevel() == Level.WARN && event.getThrowableProxy() == null);
      assertThat(node.boot()).isEqualTo(boot);
      assertThat(find(nodes, task).row().counters().attempt()).isEqualTo(1);
      nodes.client().operatorMoves().cancel(task, "me");
      awaitState(nodes, task, TaskState.CANCELLED);
    }
  }

  @Test
  void another_database_that_is_away_is_a_failure_of_the_task() throws Exception {
    database.execute(
        "insert into batchyard.retry_policy values ('never', 0, 'linear', '1 ms', '1 ms')");
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.foreign",
                1,
                (p, c) -> {
                  throw new SQLTransientConnectionException("no such host", "08001");
                }))) {
      nodes.start("foreign");
      long task =
          nodes
              .submitter()
              .submit(NewTask.of("t.foreign", new Nodes.Numbered(1)).withRetry("never"))
              .task();
      awaitState(nodes, task, TaskState.FAILED);
      assertThat(find(nodes, task).row().problem()).isEqualTo("no such host");
    }
  }

  @Test
  void an_error_of_the_store_is_no_failure_of_the_task() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.away",
                1,
                (p, c) -> {
                  if (calls.incrementAndGet() > 1) {
                    return Outcome.completed();
                  }
                  database.execute(
                      "select pg_terminate_backend(l.pid) from pg_locks l"
                          + " where l.locktype = 'advisory'");
                  throw new IllegalStateException(new SQLException("broken", "08006"));
                }))) {
      nodes.start("away");
      long task = submit(nodes, "t.away", 1);
      awaitState(nodes, task, TaskState.COMPLETED);
      TaskDetail detail = find(nodes, task);
      assertThat(detail.row().counters()).isEqualTo(new Counters(2, 0, 0, 1));
      assertThat(detail.attempts().getFirst().errorJson().orElseThrow())
          .contains("the database was away: ");
      assertLegal(detail);
    }
  }

  @Test
  void a_fenced_node_drops_everything_is_refused_and_comes_back_as_a_new_boot() throws Exception {
    Semaphore begun = new Semaphore(0);
    CountDownLatch over = new CountDownLatch(1);
    Map<Long, Integer> finished = new ConcurrentHashMap<>();
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.fenced",
                1,
                (p, c) -> {
                  begun.release();
                  if (c.lease().attempt() == 1) {
                    awaitWhateverComes(over); // a zombie: it ends after its task
                  }
                  finished.merge(c.lease().task(), c.lease().attempt(), Integer::sum);
                  return Outcome.completed();
                }))) {
      Engine node = nodes.start("fenced");
      long task = submit(nodes, "t.fenced", 1);
      begun.acquire();
      UUID boot = node.boot();
      database.execute(
          "update batchyard.node set fenced_at = now(), fenced_why = 'by the test' where boot = '"
              + boot
              + "'");
      awaitState(nodes, task, TaskState.COMPLETED);
      over.countDown();
      assertThat(node.boot()).isNotEqualTo(boot);
      TaskDetail detail = find(nodes, task);
      assertThat(detail.row().counters().attempt()).isEqualTo(2);
      assertLegal(detail);
      await()
          .atMost(SOON)
          .until(() ->
              !database
                  .ask("select sum(refused) from batchyard.node where name = 'fenced'")
                  .equals("0"));
    }
  }

  @Test
  void a_killed_node_that_starts_again_has_its_tasks_back_long_before_its_lease_ends()
      throws Exception {
    CountDownLatch second = new CountDownLatch(1);
    try (Nodes nodes =
            new Nodes(
                database::database,
                KilledNode.LEASE,
                Nodes.type(
                    KilledNode.TYPE,
                    1,
                    (p, c) -> {
                      second.countDown();
                      return Outcome.completed();
                    }));
        KilledNode killed = KilledNode.start(database, "killed")) {
      long task = submit(nodes, KilledNode.TYPE, 1);
      assertThat(killed.begun()).isEqualTo(task);
      killed.kill();
      assertThat(
              database.ask(
                  "select lease_until - clock_timestamp() > interval '20 s' and fenced_at is null"
                      + " from batchyard.node where name = 'killed'"))
          .as("by its lease alone it would be waited for")
          .isEqualTo("t");
      nodes.start("killed");
      second.await();
      awaitState(nodes, task, TaskState.COMPLETED);
      assertThat(
              database.ask(
                  "select fenced_why || (lease_until - fenced_at > interval '10 s')"
                      + " from batchyard.node where name = 'killed' and fenced_at is not null"))
          .isEqualTo("its process is gone and killed started againtrue");
      TaskDetail detail = find(nodes, task);
      assertThat(detail.row().counters().attempt()).isEqualTo(2);
      assertThat(detail.row().counters().crashes()).isEqualTo(1);
      assertLegal(detail);
    }
  }

  @Test
  void many_quick_tasks_on_two_nodes_end_exactly_once_each() throws Exception {
    Map<Integer, AtomicInteger> runs = new ConcurrentHashMap<>();
    int count = 3_000;
    try (Nodes nodes =
        new Nodes(
            database,
            Nodes.type(
                "t.quick",
                100,
                (p, c) -> {
                  runs.computeIfAbsent(p.number(), n -> new AtomicInteger()).incrementAndGet();
                  return Outcome.completed();
                }))) {
      nodes.start("a");
      nodes.start("b");
      List<NewTask> tasks = new ArrayList<>();
      for (int number = 0; number < count; number++) {
        tasks.add(NewTask.of("t.quick", new Nodes.Numbered(number)));
      }
      nodes.submitter().submit(tasks);
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() ->
              database
                  .ask("select count(*) from batchyard.outcome where type = 't.quick'")
                  .equals(Integer.toString(count)));
      assertThat(runs).hasSize(count);
      assertThat(runs.values()).allMatch(n -> n.get() == 1);
      await()
          .atMost(SOON)
          .until(() -> database.ask("select count(*) from batchyard.lease").equals("0"));
    }
  }

  private static Outcome untilAsked(Semaphore begun, TaskContext context)
      throws InterruptedException {
    begun.release();
    CountDownLatch never = new CountDownLatch(1);
    while (!context.stopRequested()) {
      if (never.await(5, java.util.concurrent.TimeUnit.MILLISECONDS)) {
        break;
      }
    }
    return Outcome.stopped();
  }

  private static boolean ofSession(ILoggingEvent event) {
    return event.getFormattedMessage().startsWith("batchyard-session: ");
  }

  private static void awaitWhateverComes(CountDownLatch latch) {
    while (latch.getCount() > 0) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        Thread.onSpinWait(); // deaf on purpose
      }
    }
  }

  private static long submit(Nodes nodes, String type, int number) {
    return nodes.submitter().submit(NewTask.of(type, new Nodes.Numbered(number))).task();
  }

  private static void awaitState(Nodes nodes, long task, TaskState state) {
    await().atMost(SOON).until(() -> find(nodes, task).row().state() == state);
  }

  private static TaskDetail find(Nodes nodes, long task) {
    return nodes.client().taskViews().find(task).orElseThrow();
  }

  private static void assertLegal(TaskDetail detail) {
    List<TaskState> history = new ArrayList<>();
    detail
        .events()
        .forEach(e -> history.add(TaskState.valueOf(e.to().toUpperCase(java.util.Locale.ROOT))));
    assertThat(Transitions.firstIllegal(history)).as("history %s", history).isEqualTo(-1);
  }
}
