package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Labels;
import dev.batchyard.api.Limits;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Batches.Batch;
import dev.batchyard.engine.port.Batches.Opened;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Counts of a batch, and the task that runs after it: once, and never early. */
@PostgresTest
class BatchesTest {

  /** Batches whose counts are not those of their members' outcomes. */
  static final String MISCOUNTED =
      """
      select count(*)
        from batch b
       where (b.completed, b.failed, b.cancelled) <> (
         select count(*) filter (where o.state = 'completed'),
                count(*) filter (where o.state in ('failed', 'quarantined')),
                count(*) filter (where o.state = 'cancelled')
           from task t join outcome o on o.id = t.id
          where t.batch = b.id)
      """;

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
  void members_that_end_in_any_way_are_counted_and_then_the_task_runs() {
    Opened opened = f.store.batches().open("夜间", Optional.of(StoreFixture.draft()));
    long then = opened.then().orElseThrow();
    List<Long> tasks = join(opened.batch(), 6);
    assertThat(f.state(then)).isEqualTo(TaskState.BLOCKED);

    f.finish(f.claimOne(node), StoreFixture.complete());
    f.finish(f.claimOne(node), new Verdict.Fail(StoreFixture.failure()));
    cancel(tasks.get(2));
    f.store.operatorMoves().pause(tasks.get(3), "kim");
    cancel(tasks.get(3));
    f.store.operatorMoves().pause(tasks.get(5), "kim"); // else it comes before one that was rescued
    for (int deaths = 0; deaths < 3; deaths++) {
      assertThat(f.claimOne(node).task()).isEqualTo(tasks.get(4));
      f.kill(node);
      node = f.node();
    }
    assertThat(f.state(tasks.get(4))).isEqualTo(TaskState.QUARANTINED);
    assertThat(f.store.batches().seal(opened.batch())).isTrue();
    assertThat(f.store.batches().seal(opened.batch())).isFalse();
    assertThat(f.state(then)).isEqualTo(TaskState.BLOCKED);
    assertThat(batch(opened).live()).isEqualTo(1);

    f.store.operatorMoves().resume(tasks.get(5), "kim");
    f.finish(f.claimOne(node), StoreFixture.complete());
    Batch ended = batch(opened);
    assertThat(List.of(ended.total(), ended.completed(), ended.failed(), ended.cancelled()))
        .containsExactly(6L, 2L, 2L, 2L);
    assertThat(ended.ended()).contains(f.now);
    assertThat(f.state(then)).isEqualTo(TaskState.READY);
    assertThat(f.claimOne(node).task()).isEqualTo(then);
    assertThat(f.historyIsLegal(then)).isTrue();
    assertThat(f.detail(tasks.getFirst()).batch()).hasValue(opened.batch());
  }

  @Test
  void a_batch_without_live_members_ends_when_it_is_sealed() {
    Opened opened = f.store.batches().open("", Optional.of(StoreFixture.draft()));
    join(opened.batch(), 1);
    f.finish(f.claimOne(node), StoreFixture.complete());
    assertThat(f.claim(node, 10)).isEmpty();
    f.store.batches().seal(opened.batch());
    assertThat(f.claimOne(node).task()).isEqualTo(opened.then().orElseThrow());
    assertThat(f.store.batches().open("none", Optional.empty()).then()).isEmpty();
  }

  @Test
  void a_member_that_runs_again_is_live_again_and_releases_nothing_twice() {
    Opened opened = f.store.batches().open("", Optional.of(StoreFixture.draft()));
    long then = opened.then().orElseThrow();
    long member = join(opened.batch(), 1).getFirst();
    f.store.batches().seal(opened.batch());
    cancel(member);
    assertThat(f.claimOne(node).task()).isEqualTo(then);
    assertThat(f.store.operatorMoves().rerun(member, "kim")).isEqualTo(Move.DONE);
    assertThat(batch(opened).live()).isEqualTo(1);
    f.finish(f.claimOne(node), StoreFixture.complete());
    assertThat(batch(opened).completed()).isEqualTo(1);
    assertThat(batch(opened).cancelled()).isZero();
    assertThat(f.claim(node, 10)).isEmpty();
  }

  @Test
  void a_cancelled_then_task_stays_so_and_runs_again_only_after_its_batch() {
    Opened opened = f.store.batches().open("", Optional.of(StoreFixture.draft()));
    long then = opened.then().orElseThrow();
    join(opened.batch(), 1);
    cancel(then);
    assertThatThrownBy(() -> f.store.operatorMoves().rerun(then, "kim"))
        .isInstanceOf(MoveRefused.class)
        .hasMessage("task %d: it runs after batch %d, which has not ended", then, opened.batch());
    f.store.batches().seal(opened.batch());
    f.finish(f.claimOne(node), StoreFixture.complete());
    assertThat(f.state(then)).isEqualTo(TaskState.CANCELLED);
    assertThat(f.store.operatorMoves().rerun(then, "kim")).isEqualTo(Move.DONE);
    assertThat(f.claimOne(node).task()).isEqualTo(then);
  }

  @Test
  void a_paused_then_task_is_ready_once_it_is_resumed() {
    Opened opened = f.store.batches().open("", Optional.of(StoreFixture.draft()));
    long then = opened.then().orElseThrow();
    f.store.operatorMoves().pause(then, "kim");
    f.store.batches().seal(opened.batch());
    assertThat(f.claim(node, 1)).isEmpty();
    f.store.operatorMoves().resume(then, "kim");
    assertThat(f.claimOne(node).task()).isEqualTo(then);
    assertThat(f.historyIsLegal(then)).isTrue();
  }

  @Test
  void batches_are_listed_newest_first_page_by_page() {
    List<Long> ids = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ids.addFirst(f.store.batches().open("b" + i, Optional.empty()).batch());
    }
    List<Long> seen = new ArrayList<>();
    OptionalLong before = OptionalLong.empty();
    int pages = 0;
    do {
      Batches.Page page = f.store.batches().list(before, 2);
      page.rows().forEach(batch -> seen.add(batch.id()));
      before = page.next();
      pages++;
    } while (before.isPresent());
    assertThat(pages).isEqualTo(3);
    assertThat(seen).isEqualTo(ids);
    assertThat(f.store.batches().list(OptionalLong.empty(), 5).next()).isEmpty();
  }

  @Test
  void members_are_listed_by_state_and_by_nothing_but_their_index() {
    f.submit(3);
    Opened opened = f.store.batches().open("", Optional.empty());
    List<Long> tasks = join(opened.batch(), 7);
    long elsewhere = f.store.batches().open("", Optional.empty()).batch();
    join(elsewhere, 2);
    cancel(tasks.get(0));
    f.store.operatorMoves().pause(tasks.get(1), "kim");
    List<Claim> claims = f.claim(node, 6); // three of no batch first
    f.finish(claims.get(3), StoreFixture.complete());
    f.finish(claims.get(4), StoreFixture.retry(Duration.ofHours(1)));

    assertThat(members(opened, Set.of())).isEqualTo(tasks.reversed());
    assertThat(members(opened, Set.of(TaskState.CANCELLED))).containsExactly(tasks.get(0));
    assertThat(members(opened, Set.of(TaskState.PAUSED))).containsExactly(tasks.get(1));
    assertThat(members(opened, Set.of(TaskState.COMPLETED))).containsExactly(tasks.get(2));
    assertThat(members(opened, Set.of(TaskState.RETRYING))).containsExactly(tasks.get(3));
    assertThat(members(opened, Set.of(TaskState.RUNNING))).containsExactly(tasks.get(4));
    assertThat(members(opened, Set.of(TaskState.READY, TaskState.CANCELLED)))
        .containsExactly(tasks.get(6), tasks.get(5), tasks.get(0));
    assertThat(
            f.store.taskViews().list(of(opened, Set.of(), "other"), OptionalLong.empty(), 9).rows())
        .isEmpty();
    assertThat(
            f.store
                .taskViews()
                .list(of(opened, Set.of(), StoreFixture.TYPE), OptionalLong.empty(), 9)
                .rows())
        .hasSize(7);
    assertThat(f.plan(TaskPages.MEMBERS))
        .contains("task_0_batch_id_idx")
        .doesNotContain("Seq Scan on task");
  }

  private List<Long> members(Opened opened, Set<TaskState> states) {
    List<Long> ids = new ArrayList<>();
    OptionalLong before = OptionalLong.empty();
    TaskViews.Filter filter =
        new TaskViews.Filter(
            states, Optional.empty(), Optional.empty(), OptionalLong.of(opened.batch()));
    do {
      TaskViews.Page page = f.store.taskViews().list(filter, before, 3);
      page.rows().forEach(row -> ids.add(row.id()));
      before = page.next();
    } while (before.isPresent());
    return ids;
  }

  private static TaskViews.Filter of(Opened opened, Set<TaskState> states, String type) {
    return new TaskViews.Filter(
        states, Optional.of(type), Optional.empty(), OptionalLong.of(opened.batch()));
  }

  @Test
  void a_then_task_is_held_to_its_limits() {
    Limits limits = Limits.NONE.withQueueTimeout(Duration.ofMinutes(10));
    Opened waits = f.store.batches().open("", Optional.of(StoreFixture.limited(limits)));
    Opened late =
        f.store
            .batches()
            .open(
                "",
                Optional.of(
                    StoreFixture.limited(
                        Limits.NONE
                            .withTotalTimeout(Duration.ofHours(3))
                            .withAttemptTimeout(Duration.ofMinutes(1)))));
    long blocked = waits.then().orElseThrow();
    for (int looks = 0; looks < 8; looks++) {
      f.pass(Duration.ofMinutes(15));
      f.store.expiries().expire();
      assertThat(f.state(blocked)).as("it waits for no node").isEqualTo(TaskState.BLOCKED);
    }
    f.store.batches().seal(waits.batch());
    f.pass(Duration.ofMinutes(9));
    f.store.expiries().expire();
    assertThat(f.state(blocked)).isEqualTo(TaskState.READY);
    f.pass(Duration.ofMinutes(1));
    f.store.expiries().expire();
    assertThat(f.detail(blocked).row().problem()).contains("queue timeout");
    assertThat(f.historyIsLegal(blocked)).isTrue();

    long total = late.then().orElseThrow();
    assertThat(f.detail(total).limits().attemptTimeout()).contains(Duration.ofMinutes(1));
    assertThat(f.state(total)).isEqualTo(TaskState.BLOCKED);
    f.pass(Duration.ofHours(1));
    f.store.expiries().expire();
    assertThat(f.state(total)).as("from the opening on").isEqualTo(TaskState.FAILED);
    assertThat(f.historyIsLegal(total)).isTrue();
    f.store.batches().seal(late.batch());
    assertThat(f.claim(node, 9)).isEmpty();
    assertThat(f.store.operatorMoves().rerun(total, "kim")).isEqualTo(Move.DONE);
    Claim claim = f.claimOne(node);
    assertThat(claim.task()).isEqualTo(total);
    f.finish(claim, StoreFixture.complete());
    assertThat(f.count("select count(*) from expiry")).isZero();
  }

  @Test
  void a_then_task_waits_for_a_node_from_its_release_on_even_before_a_sweep_has_seen_it() {
    Duration timeout = Duration.ofMinutes(1);
    TaskDraft then = StoreFixture.limited(Limits.NONE.withQueueTimeout(timeout));
    Opened opened = f.store.batches().open("", Optional.of(then));
    f.pass(timeout.multipliedBy(3));
    f.store.batches().seal(opened.batch());
    f.pass(Duration.ofMillis(1));
    Claim claim = f.claimOne(node);
    assertThat(claim.task()).isEqualTo(opened.then().orElseThrow());
    assertThat(claim.limits().startWithin()).contains(timeout.minusMillis(1));
    assertThat(claim.limits().late(Duration.ZERO)).isEmpty();

    f.finish(claim, StoreFixture.retry(Duration.ZERO));
    assertThat(f.claimOne(node).limits().startWithin()).as("of a retry").isEmpty();
  }

  @Test
  void a_label_that_would_break_a_list_opens_no_batch() {
    for (String label : List.of("a\nb", "x".repeat(Labels.LENGTH_MAX + 1))) {
      assertThatThrownBy(() -> f.store.batches().open(label, Optional.of(StoreFixture.draft())))
          .isInstanceOf(InvalidParameters.class)
          .hasMessageStartingWith("label: " + Labels.problem(label).orElseThrow());
    }
    assertThat(f.count("select count(*) from batch")).isZero();
    assertThat(f.count("select count(*) from task")).isZero();
  }

  @Test
  void what_a_then_task_does_not_take_is_told_by_field_value_and_cure() {
    TaskDraft plain = StoreFixture.draft();
    TaskDraft wrong =
        new TaskDraft(
            plain.type(),
            plain.paramsJson(),
            "",
            "default",
            4,
            Optional.of(f.now),
            new TaskKeys(
                Optional.of("a"),
                Optional.of("b"),
                Optional.of(new TaskKeys.Within("c", Duration.ofHours(1)))),
            OptionalLong.of(7),
            "default");
    assertThatThrownBy(() -> f.store.batches().open("", Optional.of(wrong)))
        .isInstanceOf(InvalidParameters.class)
        .hasMessageContainingAll(
            "then.key: 'a': ",
            "then.unique-live: 'b': ",
            "then.unique-within: 'c': ",
            "then.batch: 7: ",
            "then.due: " + f.now,
            "leave it out");
    assertThat(f.count("select count(*) from batch")).isZero();
    assertThat(f.count("select count(*) from task")).isZero();
  }

  @Test
  void what_is_not_open_takes_no_members_and_nothing_of_the_call_is_stored() {
    long sealed = f.store.batches().open("", Optional.empty()).batch();
    f.store.batches().seal(sealed);
    assertThatThrownBy(() -> join(sealed, 2))
        .isInstanceOf(UnknownName.class)
        .hasMessage("batch %d is sealed: nothing can join it any more; open another", sealed);
    assertThatThrownBy(() -> join(999, 1)).hasMessage("batch 999 does not exist; open one first");
    assertThatThrownBy(() -> f.store.batches().seal(999)).isInstanceOf(UnknownName.class);
    assertThatThrownBy(() -> f.store.batches().open("", Optional.of(StoreFixture.member(sealed))))
        .isInstanceOf(InvalidParameters.class);
    assertThat(f.count("select count(*) from task")).isZero();
    assertThat(f.count("select count(*) from block")).isZero();
  }

  @Test
  void four_nodes_and_a_person_end_batches_at_random_and_each_then_task_starts_once()
      throws Exception {
    int batches = 12;
    int members = 60;
    List<Opened> opened = new ArrayList<>();
    List<Long> all = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      opened.add(f.store.batches().open("b" + i, Optional.of(StoreFixture.draft())));
      all.addAll(join(opened.getLast().batch(), members));
    }
    Collections.shuffle(all, new Random(4));
    List<Long> started = Collections.synchronizedList(new ArrayList<>());
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> running = new ArrayList<>();
      for (int n = 0; n < 4; n++) {
        Random random = new Random(n);
        running.add(threads.submit(() -> work(batches * (members + 1L), started, random)));
      }
      running.add(
          threads.submit(() -> {
            for (long task : all.subList(0, all.size() / 5)) {
              f.store.operatorMoves().pause(task, "kim");
              f.store.operatorMoves().cancel(task, "kim");
            }
          }));
      running.add(threads.submit(() -> opened.forEach(o -> f.store.batches().seal(o.batch()))));
      for (Future<?> one : running) {
        one.get();
      }
    }
    for (Opened one : opened) {
      Batch batch = batch(one);
      assertThat(batch.total()).isEqualTo(members);
      assertThat(batch.live()).isZero();
      assertThat(batch.ended()).isPresent();
      assertThat(Collections.frequency(started, one.then().orElseThrow())).isEqualTo(1);
    }
    assertThat(f.count(MISCOUNTED)).as("batches that miscount").isZero();
  }

  /** Claims and ends until all have ended; a then task must find its batch without live members. */
  private void work(long all, List<Long> started, Random random) {
    UUID boot = f.node();
    while (f.count("select count(*) from outcome") < all) {
      for (Claim claim : f.claim(boot, 1 + random.nextInt(40))) {
        if ((claim.flags() & Claim.THEN) != 0) {
          started.add(claim.task());
          assertThat(
                  f.count(
                      "select total - completed - failed - cancelled from batch where then_task = ?",
                      claim.task()))
              .as("live members when its then task starts")
              .isZero();
        }
        boolean member = (claim.flags() & Claim.MEMBER) != 0;
        f.finish(claim, member ? verdict(random) : StoreFixture.complete());
      }
    }
  }

  private static Verdict verdict(Random random) {
    return switch (random.nextInt(6)) {
      case 0 -> new Verdict.Fail(StoreFixture.failure());
      case 1 -> StoreFixture.retry(Duration.ZERO);
      case 2 -> new Verdict.Release();
      default -> StoreFixture.complete();
    };
  }

  private Batch batch(Opened opened) {
    return f.store.batches().find(opened.batch()).orElseThrow();
  }

  private void cancel(long task) {
    assertThat(f.store.operatorMoves().cancel(task, "kim")).isEqualTo(Move.DONE);
  }

  private List<Long> join(long batch, int count) {
    return f
        .store
        .submissions()
        .submit(IntStream.range(0, count).mapToObj(_ -> StoreFixture.member(batch)).toList())
        .stream()
        .map(Submitted::task)
        .toList();
  }
}
