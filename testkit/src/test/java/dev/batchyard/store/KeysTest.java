package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The scopes of keys: who gets one, who is told of the holder, and when it is free again. */
@PostgresTest
class KeysTest {

  private static final TaskKeys LIVE = TaskKeys.NONE.withLive("订单-1");
  private static final TaskKeys HOUR = TaskKeys.NONE.withWithin("h", Duration.ofHours(1));

  private StoreFixture f;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void an_idempotency_key_answers_with_the_first_task_for_a_day_even_if_it_has_ended() {
    TaskKeys keys = TaskKeys.NONE.withIdempotency("k");
    long first = submit(keys).task();
    f.finish(f.claimOne(node), StoreFixture.complete());

    f.pass(Duration.ofHours(24).minusMillis(1));
    assertThat(submit(keys)).isEqualTo(new Submitted(first, false));
    f.pass(Duration.ofMillis(1));
    Submitted next = submit(keys);
    assertThat(next.fresh()).isTrue();
    assertThat(submit(keys)).isEqualTo(new Submitted(next.task(), false));
  }

  @Test
  void a_key_for_a_period_is_held_from_the_submit_whatever_becomes_of_the_task() {
    long first = submit(HOUR).task();
    assertThat(f.store.operatorMoves().cancel(first, "kim")).isEqualTo(Move.DONE);

    f.pass(Duration.ofHours(1).minusMillis(1));
    assertThat(submit(HOUR)).isEqualTo(new Submitted(first, false));
    f.pass(Duration.ofMillis(1));
    assertThat(submit(HOUR).fresh()).isTrue();
  }

  @Test
  void a_live_key_is_held_through_retries_and_pauses_and_freed_by_every_end() {
    List<Runnable> ends =
        List.of(
            () -> f.finish(f.claimOne(node), StoreFixture.complete()),
            () -> f.finish(f.claimOne(node), new Verdict.Fail(StoreFixture.failure())),
            () -> cancel(f.submit(LIVE_DRAFT)),
            () -> {
              long held = f.submit(LIVE_DRAFT);
              f.store.operatorMoves().pause(held, "kim");
              cancel(held);
            },
            () -> {
              Claim claim = f.claimOne(node);
              f.store.operatorMoves().cancel(claim.task(), "kim");
              f.finish(claim, new Verdict.Cancel());
            },
            () -> {
              Claim claim = f.claimOne(node);
              f.store.operatorMoves().cancel(claim.task(), "kim");
              f.kill(node);
              node = f.node();
            },
            () -> {
              for (int deaths = 0; deaths < 3; deaths++) {
                assertThat(submit(LIVE).fresh()).isFalse();
                f.claimOne(node);
                f.kill(node);
                node = f.node();
              }
            });
    for (Runnable end : ends) {
      long first = submit(LIVE).task();
      f.finish(f.claimOne(node), StoreFixture.retry(Duration.ZERO));
      f.store.operatorMoves().pause(first, "kim");
      assertThat(submit(LIVE)).isEqualTo(new Submitted(first, false));
      f.store.operatorMoves().resume(first, "kim");
      end.run();
      assertThat(f.state(first).ended()).isTrue();
      assertThat(f.count("select count(*) from task_key")).isZero();
    }
  }

  @Test
  void upkeep_forgets_keys_that_are_past_their_time_and_no_others() {
    submit(TaskKeys.NONE.withIdempotency("i"));
    submit(HOUR);
    submit(LIVE);
    f.pass(Duration.ofHours(2));
    assertThat(f.store.upkeep().prune()).as("there is more").isFalse();
    assertThat(f.count("select count(*) from task_key")).isEqualTo(2);
    f.pass(Duration.ofHours(22).plus(Retention.KEYS_LONGER));
    assertThat(f.store.upkeep().prune()).as("there is more").isFalse();
    assertThat(f.count("select count(*) from task_key where scope = 'live'")).isEqualTo(1);
    assertThat(f.count("select count(*) from task_key")).isEqualTo(1);
  }

  @Test
  void a_task_takes_all_of_its_keys_or_none() {
    long holder = submit(LIVE).task();
    TaskKeys both = LIVE.withIdempotency("i").withWithin("p", Duration.ofDays(1));

    assertThat(submit(both)).isEqualTo(new Submitted(holder, false));
    assertThat(f.count("select count(*) from task_key")).isEqualTo(1);
    cancel(holder);
    long next = submit(both).task();
    assertThat(f.count("select count(*) from task_key where task = ?", next)).isEqualTo(3);
    assertThat(submit(TaskKeys.NONE.withIdempotency("i"))).isEqualTo(new Submitted(next, false));
  }

  @Test
  void what_a_refused_neighbour_would_have_held_is_free_in_the_same_call() {
    long holder = submit(LIVE).task();
    List<Submitted> answers =
        f.store
            .submissions()
            .submit(
                List.of(
                    draft(LIVE.withIdempotency("i")), // refused: the live key is held
                    draft(TaskKeys.NONE.withIdempotency("i")),
                    StoreFixture.draft()));

    assertThat(answers.get(0)).isEqualTo(new Submitted(holder, false));
    assertThat(answers.get(1).fresh()).isTrue();
    assertThat(answers.get(2).fresh()).isTrue();
    assertThat(f.count("select count(*) from task")).isEqualTo(3);
  }

  @Test
  void keys_of_other_types_and_scopes_are_other_keys() {
    List<Submitted> answers =
        f.store
            .submissions()
            .submit(
                List.of(
                    draft(TaskKeys.NONE.withIdempotency("k")),
                    draft(TaskKeys.NONE.withLive("k")),
                    draft(TaskKeys.NONE.withWithin("k", Duration.ofDays(1))),
                    of("other.type", TaskKeys.NONE.withIdempotency("k"))));
    assertThat(answers).allMatch(Submitted::fresh);
  }

  @Test
  void of_sixteen_that_submit_the_same_keys_at_once_one_wins_and_all_are_told_its_task()
      throws Exception {
    int rounds = 25;
    int threads = 16;
    Random random = new Random(16);
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      for (int round = 0; round < rounds; round++) {
        TaskKeys one = TaskKeys.NONE.withLive("live-" + round).withIdempotency("i-" + round);
        TaskKeys two = one.withWithin("p-" + round, Duration.ofDays(1));
        CountDownLatch start = new CountDownLatch(1);
        List<Future<List<Submitted>>> calls = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
          boolean more = random.nextBoolean();
          List<TaskDraft> drafts =
              more
                  ? List.of(StoreFixture.draft(), draft(two), draft(one))
                  : List.of(draft(one), draft(two), StoreFixture.draft());
          calls.add(
              pool.submit(() -> {
                start.await();
                return f.store.submissions().submit(drafts);
              }));
        }
        start.countDown();
        List<Submitted> keyed = new ArrayList<>();
        for (Future<List<Submitted>> call : calls) {
          List<Submitted> answers = call.get();
          assertThat(answers.stream().filter(Submitted::fresh).count()).isBetween(1L, 2L);
          answers.stream().filter(a -> keys(a.task())).forEach(keyed::add);
        }
        assertThat(keyed).hasSize(2 * threads);
        assertThat(keyed.stream().map(Submitted::task).distinct()).hasSize(1);
        assertThat(keyed.stream().filter(Submitted::fresh)).hasSize(1);
      }
    }
    assertThat(f.count("select count(*) from task")).isEqualTo(rounds * (threads + 1L));
    assertThat(f.count("select sum(hi - lo + 1) from block")).isEqualTo(rounds * (threads + 1L));
  }

  @Test
  void a_rerun_takes_its_live_key_again_unless_another_holds_it() {
    long first = submit(LIVE).task();
    cancel(first);
    assertThat(f.store.operatorMoves().rerun(first, "kim")).isEqualTo(Move.DONE);
    assertThat(submit(LIVE)).isEqualTo(new Submitted(first, false));
    cancel(first);

    long second = submit(LIVE).task();
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(first, "kim"))
        .isInstanceOf(MoveRefused.class)
        .hasMessage(
            "task %d: task %d holds its key '订单-1' among live tasks;"
                + " it can run again when that one has ended",
            first, second);
    assertThat(f.state(first).ended()).isTrue();
    cancel(second);
    assertThat(f.store.operatorMoves().rerun(first, "kim")).isEqualTo(Move.DONE);
  }

  @Test
  void plain_tasks_come_without_flags_and_others_with_what_their_end_settles() {
    f.submit();
    submit(LIVE);
    submit(TaskKeys.NONE.withIdempotency("i"));
    assertThat(f.claim(node, 1)).extracting(Claim::flags).containsExactly(0);
    assertThat(f.claim(node, 1)).extracting(Claim::flags).containsExactly(Claim.LIVE_KEY);
    assertThat(f.claim(node, 1)).extracting(Claim::flags).containsExactly(0);
  }

  @Test
  void what_no_statement_can_take_is_refused_with_field_value_and_cure() {
    assertThatThrownBy(() -> submit(TaskKeys.NONE.withIdempotency("a\0b")))
        .isInstanceOf(InvalidParameters.class)
        .hasMessage(
            "key: 'a\\u0000b' holds a NUL character (U+0000) at character 2,"
                + " which no database takes; remove it");
    assertThatThrownBy(() -> submit(TaskKeys.NONE.withLive("\ud83d")))
        .hasMessage(
            "unique-live: '\\ud83d' holds half a surrogate pair at character 1,"
                + " which no database takes; remove it");
    for (String bad :
        List.of(
            "{\"a\":\"\\u0000\"}",
            "{\"a\":\"\0\"}",
            "{\"a\":\"\\ud83d\"}",
            "{\"a\":\"\\ude00\\ud83d\"}",
            "{\"a\":\"\\\\\\ud83dx\"}",
            "{\"a\":\"\ude00\"}")) {
      assertThatThrownBy(() -> withParams(bad))
          .as(bad)
          .isInstanceOf(InvalidParameters.class)
          .hasMessageStartingWith("params: '{\"a\":\"");
    }
    for (String good :
        List.of(
            "{\"a\":\"\\\\u0000 \\\\ud83d\"}",
            "{\"a\":\"\\ud83d\\ude00\"}",
            "{\"a\":\"😀\"}",
            "{\"a\":\"\\u0001\"}")) {
      assertThat(f.submit(withParams(good))).as(good).isPositive();
    }
  }

  private static final TaskDraft LIVE_DRAFT = draft(LIVE);

  private boolean keys(long task) {
    return f.count("select count(*) from task where id = ? and key is not null", task) == 1;
  }

  private void cancel(long task) {
    assertThat(f.store.operatorMoves().cancel(task, "kim")).isEqualTo(Move.DONE);
  }

  private Submitted submit(TaskKeys keys) {
    return f.store.submissions().submit(List.of(draft(keys))).getFirst();
  }

  private static TaskDraft draft(TaskKeys keys) {
    return of(StoreFixture.TYPE, keys);
  }

  private static TaskDraft of(String type, TaskKeys keys) {
    return new TaskDraft(
        type, "{}", "", "default", 4, Optional.empty(), keys, OptionalLong.empty(), "default");
  }

  private static TaskDraft withParams(String json) {
    return new TaskDraft(
        StoreFixture.TYPE,
        json,
        "",
        "default",
        4,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        "default");
  }
}
