package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Limits;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.BulkReruns;
import dev.batchyard.engine.port.BulkReruns.Filter;
import dev.batchyard.engine.port.BulkReruns.Page;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.run.Reruns;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class BulkRerunsTest {

  private static final Filter FAILED = filter(TaskState.FAILED);

  /** All rows of the store that a move could touch. */
  private static final String EVERYTHING =
      """
      select ('x' || left(md5(string_agg(x, '' order by x)), 16))::bit(64)::bigint
        from (select t::text as x from outcome t union all select t::text from block t
              union all select t::text from attempt_log t union all select t::text from event t
              union all select t::text from tally t union all select t::text from batch t
              union all select t::text from task_key t union all select t::text from expiry t) s
      """;

  private StoreFixture f;
  private BulkReruns bulk;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    bulk = f.store.bulkReruns();
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void what_a_filter_finds_runs_again_once_with_who_and_why_in_its_history() {
    List<Long> failed = fail(f.submit(3), "SQLTransientException");
    List<Long> other = fail(f.submit(1), "Boom");
    long fine = f.submit();
    f.finish(f.claimOne(node), StoreFixture.complete());

    Page page = bulk.rerun(error("SQL*"), 0, 500, "李雷", "数据库回来了");

    assertThat(page.moved()).isEqualTo(3);
    assertThat(page.refused()).isEmpty();
    assertThat(page.next()).isEmpty();
    for (long task : failed) {
      assertThat(f.state(task)).isEqualTo(TaskState.READY);
      assertThat(f.detail(task).row().counters()).isEqualTo(new Counters(1, 0, 0, 2));
      assertThat(f.detail(task).events().getLast().by()).isEqualTo("李雷");
      assertThat(f.detail(task).events().getLast().why()).isEqualTo("run again: 数据库回来了");
      assertThat(f.detail(task).attempts()).extracting(a -> a.ended()).containsExactly("failed");
      assertThat(f.historyIsLegal(task)).isTrue();
    }
    assertThat(f.state(other.getFirst())).isEqualTo(TaskState.FAILED);
    assertThat(f.state(fine)).isEqualTo(TaskState.COMPLETED);
    assertThat(bulk.rerun(error("SQL*"), 0, 500, "李雷", "again").moved())
        .as("again does no harm")
        .isZero();
    assertThat(f.count("select count(*) from block")).as("neighbours share a block").isEqualTo(1);
    assertThat(f.claim(node, 9)).extracting(Claim::task).containsExactlyElementsOf(failed);
    assertThat(sumsAreWrong()).isZero();
  }

  @Test
  void each_part_of_a_filter_narrows_it() {
    f.store.queues().create("a");
    fail(f.submit(1), "Boom");
    fail(List.of(f.submit(in("a"))), "Boom");
    f.pass(Duration.ofHours(1));
    fail(f.submit(1), "");
    long cancelled = f.submit();
    f.store.operatorMoves().cancel(cancelled, "kim");

    assertThat(would(FAILED)).isEqualTo(3);
    assertThat(would(filter(TaskState.CANCELLED))).isEqualTo(1);
    assertThat(would(filter(TaskState.CANCELLED, TaskState.FAILED))).isEqualTo(4);
    assertThat(would(filter(TaskState.QUARANTINED))).isZero();
    assertThat(would(of(Optional.of(StoreFixture.TYPE), Optional.empty()))).isEqualTo(3);
    assertThat(would(of(Optional.of("no.such"), Optional.empty()))).isZero();
    assertThat(would(of(Optional.empty(), Optional.of("a")))).isEqualTo(1);
    assertThat(would(of(Optional.empty(), Optional.of("no such")))).isZero();
    assertThat(would(error("Boom"))).isEqualTo(2);
    assertThat(would(error("Boo"))).isZero();
    assertThat(would(error("B*"))).isEqualTo(2);
    assertThat(would(error("FinalFailure"))).as("one without a kind of its own").isEqualTo(1);
    assertThat(would(error("*"))).isEqualTo(3);
    assertThat(
            would(
                new Filter(
                    EnumSet.of(TaskState.CANCELLED),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.of("*"),
                    Optional.empty(),
                    Optional.empty())))
        .as("a cancel is no failure")
        .isZero();
    Filter since =
        new Filter(
            EnumSet.of(TaskState.FAILED),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.of(f.now),
            Optional.empty());
    assertThat(would(since)).isEqualTo(1);
    assertThat(would(FAILED.withUntil(f.now.minusMillis(1)))).isEqualTo(2);
  }

  @Test
  void a_dry_run_counts_the_same_and_changes_nothing() {
    fail(f.submit(700), "Boom");
    long keyed = keyed();
    fail(List.of(keyed), "Boom");
    long holder = keyed();
    Batches.Opened batch = f.store.batches().open("b", Optional.empty());
    long member = f.submit(StoreFixture.member(batch.batch()));
    f.finish(f.claim(node, 9), StoreFixture.complete());
    assertThat(f.state(member)).isEqualTo(TaskState.COMPLETED);
    long held = keyed();
    assertThat(held).isNotIn(keyed, holder);
    long before = everything();

    Reruns.Report dry = new Reruns(bulk).wouldRun(FAILED, 10_000);

    assertThat(dry.moved()).isEqualTo(700);
    assertThat(dry.refused()).isEqualTo(1);
    assertThat(dry.reasons().getFirst().task()).isEqualTo(keyed);
    assertThat(dry.reasons().getFirst().why())
        .startsWith("task " + keyed + ": task " + held + " holds its key 'k'");
    assertThat(dry.more()).isFalse();
    assertThat(everything()).isEqualTo(before);

    Reruns.Report done = new Reruns(bulk).run(FAILED, 10_000, "kim", "now");
    assertThat(done).isEqualTo(dry);
    assertThat(f.state(keyed)).isEqualTo(TaskState.FAILED);
    assertThat(f.count("select count(*) from outcome where state = 'failed'")).isEqualTo(1);
    assertThat(sumsAreWrong()).isZero();
  }

  @Test
  void tasks_with_batches_keys_and_limits_take_back_what_their_ends_settled() {
    Batches.Opened batch = f.store.batches().open("b", Optional.empty());
    List<Long> tasks =
        List.of(
            f.submit(StoreFixture.member(batch.batch())),
            keyed(),
            f.submit(
                StoreFixture.limited(
                    new Limits(
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(Duration.ofHours(1)),
                        Optional.empty()))),
            f.submit());
    f.store.batches().seal(batch.batch());
    fail(tasks, "Boom");
    assertThat(f.store.batches().find(batch.batch()).orElseThrow().failed()).isEqualTo(1);

    assertThat(bulk.rerun(FAILED, 0, 500, "kim", "x").moved()).isEqualTo(4);

    assertThat(f.store.batches().find(batch.batch()).orElseThrow().live()).isEqualTo(1);
    assertThat(f.count("select count(*) from task_key where scope = 'live'")).isEqualTo(1);
    assertThat(f.count("select count(*) from expiry")).isEqualTo(1);
    assertThat(tasks).allSatisfy(task -> assertThat(f.historyIsLegal(task)).isTrue());
    assertThat(f.detail(tasks.getFirst()).events().getLast().why()).isEqualTo("run again: x");
    f.finish(f.claim(node, 9), StoreFixture.complete());
    assertThat(f.store.batches().find(batch.batch()).orElseThrow().completed()).isEqualTo(1);
  }

  @Test
  void pages_go_on_where_the_one_before_ended_and_find_no_task_twice() {
    List<Long> tasks = fail(f.submit(7), "Boom");
    List<Long> seen = new ArrayList<>();
    OptionalLong after = OptionalLong.of(0);
    while (after.isPresent()) {
      Page page = bulk.rerun(FAILED, after.getAsLong(), 3, "kim", "x");
      assertThat(page.moved()).isLessThanOrEqualTo(3);
      after = page.next();
      List<Claim> claims = f.claim(node, 9);
      claims.forEach(claim -> seen.add(claim.task()));
      fail(claims); // they fail again at once, and are not found again
    }
    assertThat(seen).containsExactlyElementsOf(tasks);
  }

  @Test
  void what_fails_again_while_a_call_goes_on_is_left_alone_and_a_limit_is_kept() {
    List<Long> tasks = fail(f.submit(5), "Boom");
    Reruns.Report part = new Reruns(bulk).run(FAILED, 2, "kim", "x");
    assertThat(part.moved()).isEqualTo(2);
    assertThat(part.more()).isTrue();
    assertThat(part.until()).isEqualTo(f.now);
    List<Claim> again = f.claim(node, 9);
    assertThat(again).extracting(Claim::task).containsExactlyElementsOf(tasks.subList(0, 2));
    f.pass(Duration.ofMillis(1));
    fail(again);
    assertThat(new Reruns(bulk).wouldRun(FAILED.withUntil(part.until()), 100).moved()).isEqualTo(3);
    assertThatThrownBy(() -> new Reruns(bulk).run(FAILED, 0, "kim", "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 to 1,000,000");
  }

  @Test
  void refused_tasks_at_the_head_do_not_use_up_the_limit() {
    fail(List.of(keyed(), f.submit(), f.submit()), "Boom");
    long _ = keyed();
    Reruns.Report report = new Reruns(bulk).run(FAILED, 1, "kim", "x");
    assertThat(report.refused()).isEqualTo(1);
    assertThat(report.moved()).isEqualTo(1);
    assertThat(report.more()).isTrue();
  }

  @Test
  void a_filter_that_matches_little_looks_at_so_many_ends_and_goes_on_from_there() {
    f.sql(
        """
        insert into lane (queue, type, priority) values ('default', 'test.work', 4) on conflict do nothing;
        insert into task (id, submitted_at, lane, label, params, retry)
        select i, '2031-01-01', 1, '', '{}', 'default' from generate_series(1, 5100) i;
        insert into outcome (id, type, state, lane, attempt, failures, crashes, generation, finished_at, error)
        select i, 'test.work', 'failed', 1, 1, 1, 0, 1, '2031-01-02',
               jsonb_build_object('kind', case when i > 5000 then 'Rare' else 'Boom' end)
          from generate_series(1, 5100) i
        """);
    Page first = bulk.wouldRerun(error("Rare"), 0, 500);
    assertThat(first.moved()).isZero();
    assertThat(first.next()).hasValue(BulkReruns.LOOK_MAX);
    assertThat(bulk.wouldRerun(error("Rare"), 5_000, 500).moved()).isEqualTo(100);
    assertThat(new Reruns(bulk).wouldRun(error("Rare"), 1_000).moved()).isEqualTo(100);
  }

  @Test
  void two_that_rerun_the_same_at_once_move_each_task_once() throws Exception {
    List<Long> tasks = fail(f.submit(400), "Boom");
    tasks = new ArrayList<>(tasks);
    Batches.Opened batch = f.store.batches().open("b", Optional.empty());
    List<Long> members =
        IntStream.range(0, 30).mapToObj(_ -> f.submit(StoreFixture.member(batch.batch()))).toList();
    fail(members, "Boom");
    tasks.addAll(members);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> all =
          IntStream.range(0, 4)
              .mapToObj(_ -> threads.submit(() -> bulk.rerun(FAILED, 0, 500, "kim", "x").moved()))
              .toList();
      int moved = 0;
      for (Future<Integer> each : all) {
        moved += each.get(30, TimeUnit.SECONDS);
      }
      assertThat(moved).isEqualTo(430);
    }
    assertThat(f.count("select count(*) from event where to_state = 'ready'")).isEqualTo(430);
    assertThat(f.count("select sum(hi - lo + 1) from block")).isEqualTo(430);
    assertThat(f.count("select failed from batch")).isZero();
    assertThat(tasks).allSatisfy(task -> assertThat(f.state(task)).isEqualTo(TaskState.READY));
  }

  @Test
  void what_is_being_deleted_is_refused() {
    List<Long> tasks = fail(f.submit(2), "Boom");
    f.sql("update id_span set closed = 'closing'");
    try {
      Page dry = bulk.wouldRerun(FAILED, 0, 500);
      Page page = bulk.rerun(FAILED, 0, 500, "kim", "x");
      assertThat(page).isEqualTo(dry);
      assertThat(page.moved()).isZero();
      assertThat(page.refused()).extracting(r -> r.task()).containsExactlyElementsOf(tasks);
      assertThat(page.refused().getFirst().why()).contains("is being deleted; submit it anew");
      assertThat(f.state(tasks.getFirst())).isEqualTo(TaskState.FAILED);
    } finally {
      f.sql("update id_span set closed = null");
    }
  }

  @Test
  void a_filter_or_reason_that_makes_no_sense_is_refused() {
    assertThatThrownBy(() -> filter(TaskState.COMPLETED))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("state: [completed]; only failed, cancelled and quarantined");
    assertThatThrownBy(() -> filter()).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> error("a b")).hasMessageContaining("'a b' is no kind of failure");
    assertThatThrownBy(() -> of(Optional.of("a\0"), Optional.empty()))
        .isInstanceOf(InvalidParameters.class);
    for (String why : List.of(" ", "x".repeat(501))) {
      assertThatThrownBy(() -> bulk.rerun(FAILED, 0, 500, "kim", why))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("why: '", "1 to 500");
    }
  }

  private int would(Filter filter) {
    Page page = bulk.wouldRerun(filter, 0, 500);
    assertThat(page.refused()).isEmpty();
    return page.moved();
  }

  private static Filter filter(TaskState... states) {
    return new Filter(
        Set.of(states),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  private static Filter of(Optional<String> type, Optional<String> queue) {
    return new Filter(
        EnumSet.of(TaskState.FAILED),
        type,
        queue,
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  private static Filter error(String kind) {
    return new Filter(
        EnumSet.of(TaskState.FAILED),
        Optional.empty(),
        Optional.empty(),
        Optional.of(kind),
        Optional.empty(),
        Optional.empty());
  }

  private void fail(List<Claim> claims) {
    f.finish(claims, new Verdict.Fail(StoreFixture.failure()));
  }

  /** Fails tasks that wait, and nothing else waits. */
  private List<Long> fail(List<Long> tasks, String kind) {
    List<Claim> claims = new ArrayList<>();
    while (claims.size() < tasks.size()) {
      List<Claim> some = f.claim(node, 500);
      assertThat(some).isNotEmpty();
      claims.addAll(some);
    }
    assertThat(claims).extracting(Claim::task).containsExactlyInAnyOrderElementsOf(tasks);
    for (int from = 0; from < claims.size(); from += 500) {
      f.finish(
          claims.subList(from, Math.min(from + 500, claims.size())),
          new Verdict.Fail(new Failure(kind, "坏了", "")));
    }
    return tasks;
  }

  private long keyed() {
    return f.submit(
        new TaskDraft(
            StoreFixture.TYPE,
            "{}",
            "",
            "default",
            4,
            Optional.empty(),
            TaskKeys.NONE.withLive("k"),
            OptionalLong.empty(),
            "default"));
  }

  private static TaskDraft in(String queue) {
    return new TaskDraft(
        StoreFixture.TYPE,
        "{}",
        "",
        queue,
        4,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        "default");
  }

  private long everything() {
    return f.count(EVERYTHING);
  }

  private long sumsAreWrong() {
    return f.count(
        """
        select count(*)
          from (select day, lane, state, sum(n) as n from tally group by 1, 2, 3 having sum(n) <> 0) t
          full join (select (finished_at at time zone 'UTC')::date as day, lane, state, count(*) as n
                       from outcome group by 1, 2, 3) o using (day, lane, state)
         where t.n is distinct from o.n
        """);
  }
}
