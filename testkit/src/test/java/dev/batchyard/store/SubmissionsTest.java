package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.LocalNode;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class SubmissionsTest {

  private StoreFixture f;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void neighbours_of_one_lane_share_blocks_of_at_most_500() {
    List<Long> ids = f.submit(1_000);

    assertThat(ids).isSorted().doesNotHaveDuplicates();
    assertThat(f.count("select count(*) from block")).isEqualTo(2);
    assertThat(f.count("select sum(hi - lo + 1) from block")).isEqualTo(1_000);
    assertThat(f.count("select count(*) from task")).isEqualTo(1_000);
  }

  @Test
  void a_second_submit_of_a_key_is_answered_with_the_first_task() {
    long first = f.submit(StoreFixture.keyed("订单-1"));

    List<Submitted> again =
        f.store
            .submissions()
            .submit(
                List.of(
                    StoreFixture.keyed("订单-1"),
                    StoreFixture.keyed("new"),
                    StoreFixture.draft(),
                    StoreFixture.keyed("new")));

    assertThat(again.get(0)).isEqualTo(new Submitted(first, false));
    assertThat(again.get(1).fresh()).isTrue();
    assertThat(again.get(2).fresh()).isTrue();
    assertThat(again.get(3)).isEqualTo(new Submitted(again.get(1).task(), false));
    assertThat(f.count("select count(*) from task")).isEqualTo(3);
  }

  @Test
  void many_that_submit_one_key_at_once_get_one_task() {
    List<CompletableFuture<Long>> all =
        IntStream.range(0, 12)
            .mapToObj(_ -> CompletableFuture.supplyAsync(() -> f.submit(StoreFixture.keyed("k"))))
            .toList();

    assertThat(all.stream().map(CompletableFuture::join).distinct()).hasSize(1);
    assertThat(f.count("select count(*) from task")).isEqualTo(1);
    assertThat(f.count("select sum(hi - lo + 1) from block")).isEqualTo(1);
  }

  @Test
  void an_unknown_queue_or_retry_policy_is_named_with_those_that_exist() {
    TaskDraft d = StoreFixture.draft();
    assertThatThrownBy(() ->
            f.submit(
                new TaskDraft(
                    d.type(),
                    "{}",
                    "",
                    "nachts",
                    4,
                    Optional.empty(),
                    TaskKeys.NONE,
                    OptionalLong.empty(),
                    "default")))
        .isInstanceOf(UnknownName.class)
        .hasMessage(
            "queue 'nachts' does not exist; there are: default; './batchyard queue nachts --create'"
                + " makes it");
    assertThatThrownBy(() ->
            f.submit(
                new TaskDraft(
                    d.type(),
                    "{}",
                    "",
                    "default",
                    4,
                    Optional.empty(),
                    TaskKeys.NONE,
                    OptionalLong.empty(),
                    "x")))
        .isInstanceOf(UnknownName.class)
        .hasMessage(
            "retry policy 'x' does not exist; there are: critical, default;"
                + " './batchyard retry-policy x --create' makes it");
  }

  @Test
  void a_batch_is_stored_whole_or_not_at_all() {
    TaskDraft bad =
        new TaskDraft(
            StoreFixture.TYPE,
            "{not json",
            "",
            "default",
            4,
            Optional.empty(),
            TaskKeys.NONE.withIdempotency("k"),
            OptionalLong.empty(),
            "default");

    assertThatThrownBy(() -> f.store.submissions().submit(List.of(StoreFixture.draft(), bad)))
        .isInstanceOf(StatementFailed.class);
    assertThat(f.count("select count(*) from task")).isZero();
    assertThat(f.count("select count(*) from block")).isZero();
    assertThat(f.count("select count(*) from task_key")).isZero();
  }

  @Test
  void a_task_is_scheduled_until_it_is_due_and_one_from_the_past_jumps_no_line() {
    long later = f.submit(StoreFixture.due(f.now.plusSeconds(60)));
    long past = f.submit(StoreFixture.due(f.now.minusSeconds(60)));
    UUID node = f.node();

    assertThat(f.state(later)).isEqualTo(TaskState.SCHEDULED);
    assertThat(f.detail(past).row().due()).isEqualTo(f.now);
    assertThat(f.claim(node, 10)).extracting(c -> c.task()).containsExactly(past);
    f.pass(Duration.ofSeconds(60));
    assertThat(f.state(later)).isEqualTo(TaskState.READY);
    assertThat(f.claim(node, 10)).extracting(c -> c.task()).containsExactly(later);
    assertThat(f.history(later))
        .containsExactly(TaskState.SCHEDULED, TaskState.READY, TaskState.RUNNING);
  }

  @Test
  void no_two_sets_of_a_thousand_are_joined_by_a_nested_loop() {
    // the pool for queue traffic knows no hash joins: such a submit was ten times slower
    for (String submit :
        List.of(
            PlainSubmissions.SUBMIT, PlainSubmissions.SUBMIT_ALIKE, PgSubmissions.SUBMIT_FLAGGED)) {
      assertThat(f.plan(submit)).doesNotContain("Join Filter");
    }
    assertThat(f.plan(PgSubmissions.SUBMIT_FLAGGED)).contains("hashed SubPlan");
  }

  @Test
  void every_draft_of_a_call_gets_the_id_of_its_own_row_though_others_take_ids_between() {
    f.sql(
        """
        create function take_id() returns trigger language plpgsql as
          'begin perform nextval(''task_id''); return new; end';
        create trigger take_id before insert on task
          for each row when (new.id % 100 = 0) execute function take_id()
        """);
    try {
      long[] ids =
          f
              .store
              .submissions()
              .submit(IntStream.range(0, 1000).mapToObj(n -> labelled("label " + n)).toList())
              .stream()
              .mapToLong(Submitted::task)
              .toArray();
      assertThat(
              f.count(
                  """
                  select count(*)
                    from unnest(?::bigint[]) with ordinality g (id, n)
                    join task t on t.id = g.id and t.label = 'label ' || (g.n - 1)
                  """,
                  ids))
          .isEqualTo(1000);
      assertThat(f.count("select sum(hi - lo + 1) from block")).isEqualTo(1000);
      assertThat(f.count("select count(*) from task t join block b on t.id between b.lo and b.hi"))
          .as("no id of another is in a block")
          .isEqualTo(1000);
      assertThat(f.count("select count(*) from block")).isGreaterThan(9);
    } finally {
      f.sql("drop trigger take_id on task; drop function take_id()");
    }
  }

  @Test
  void a_submit_wakes_the_nodes_of_its_process_before_it_returns() {
    AtomicInteger woken = new AtomicInteger();
    LocalNode node =
        new LocalNode() {
          @Override
          public void wake() {
            woken.incrementAndGet();
          }

          @Override
          public Optional<Submitted> arrive(TaskDraft draft) {
            return Optional.empty();
          }
        };
    f.store.addNode(node);
    f.submit();
    assertThat(woken).hasValue(1);
    f.store.removeNode(node);
  }

  @Test
  void a_submit_wakes_the_nodes_and_a_burst_wakes_them_a_few_times() {
    try (NodeSession session = f.open(new UUID(2, 2), "n")) {
      f.submit();
      assertThat(session.awaitWake(Duration.ofSeconds(5))).isTrue();
      List<CompletableFuture<Long>> burst = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        burst.add(CompletableFuture.supplyAsync(f::submit));
      }
      burst.forEach(CompletableFuture::join);
      assertThat(session.awaitWake(Duration.ofSeconds(5))).isTrue();
      while (session.awaitWake(Duration.ofMillis(100))) {
        // the rest of the burst
      }
      assertThat(session.awaitWake(Duration.ofMillis(1))).isFalse();
    }
  }

  @Test
  void numbers_are_taken_or_refused_as_postgresql_does() {
    String many = "9".repeat(131_072);
    List<String> numbers =
        List.of(
            "1e131071",
            "-9.99E+131071",
            "1e131072",
            "0.1e131072",
            "0.1e131073",
            "0.0001e131075",
            "10e131070",
            "10e131071",
            many,
            many + "9",
            "1e-16383",
            "1e-16384",
            "1.5e-16382",
            "1.5e-16383",
            "0." + "1".repeat(16_383),
            "0." + "1".repeat(16_384),
            "0e200000",
            "0e-16384",
            "0.0e-5",
            "1e400000",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "12345678901234567890.10");
    for (String number : numbers) {
      String json = "{\"e\": \"1e400000 \\\" 1e400000\", \"n\": [" + number + "]}";
      String shown = number.length() < 40 ? number : number.length() + " characters";
      boolean taken = takes(json);
      Optional<InvalidParameters> refused = refusal(json);
      assertThat(refused.isEmpty()).as(shown + " as PostgreSQL does").isEqualTo(taken);
      refused.ifPresent(e ->
          assertThat(e).hasMessageMatching("params: the number .* has more digits .* as a text"));
    }
  }

  private boolean takes(String json) {
    try (Connection c = f.source.getConnection()) {
      return Sql.query(c, "select ?::text::jsonb is not null", r -> r.getBoolean(1), json)
          .getFirst();
    } catch (SQLException e) {
      return false;
    }
  }

  private static Optional<InvalidParameters> refusal(String json) {
    TaskDraft like = StoreFixture.draft();
    try {
      var _ =
          new TaskDraft(
              like.type(),
              json,
              "",
              "default",
              4,
              Optional.empty(),
              like.keys(),
              like.batch(),
              "default");
      return Optional.empty();
    } catch (InvalidParameters e) {
      return Optional.of(e);
    }
  }

  private static TaskDraft labelled(String label) {
    TaskDraft draft = StoreFixture.draft();
    return new TaskDraft(
        draft.type(),
        draft.paramsJson(),
        label,
        draft.queue(),
        draft.priority(),
        draft.due(),
        draft.keys(),
        draft.batch(),
        draft.retry());
  }
}
