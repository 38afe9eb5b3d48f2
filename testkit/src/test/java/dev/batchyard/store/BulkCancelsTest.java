package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.BulkCancels;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Steps.Draft;
import dev.batchyard.engine.port.Steps.Undo;
import dev.batchyard.engine.port.TaskViews.Filter;
import dev.batchyard.engine.run.Cancels;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class BulkCancelsTest {

  private StoreFixture f;
  private Cancels cancels;
  private UUID boot;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    cancels = new Cancels(f.store.bulkCancels());
    boot = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void tasks_are_cancelled_wherever_they_are_and_running_ones_are_asked() {
    f.submit(5);
    List<Claim> claims = f.claim(boot, 3);
    f.finish(claims.get(0), StoreFixture.retry(Duration.ofHours(1)));
    f.finish(claims.get(1), StoreFixture.complete());
    long running = claims.get(2).task();
    long later = f.submit(StoreFixture.due(StoreFixture.START.plusSeconds(999)));
    long paused = f.submit();
    f.store.operatorMoves().pause(paused, "kim");
    long then = f.store.batches().open("b", Optional.of(StoreFixture.draft())).then().orElseThrow();

    Cancels.Report would = cancels.wouldRun(filter(), 100);
    assertThat(would.cancelled()).isEqualTo(7);
    assertThat(f.count("select count(*) from outcome")).isEqualTo(1);

    Cancels.Report report = cancels.run(filter(), 100, "kim");
    assertThat(report.cancelled()).isEqualTo(6);
    assertThat(report.asked()).isEqualTo(1);
    assertThat(report.refused()).isZero();
    assertThat(report.more()).isFalse();
    for (long task : List.of(claims.get(0).task(), later, paused, then)) {
      assertThat(f.state(task)).isEqualTo(TaskState.CANCELLED);
      assertThat(f.historyIsLegal(task)).isTrue();
    }
    assertThat(f.detail(running).request()).contains("cancel");
    f.finish(claims.get(2), new Verdict.Cancel());
    assertThat(f.count("select count(*) from outcome where state = 'cancelled'")).isEqualTo(7);
    assertThat(cancels.run(filter(), 100, "kim").cancelled()).isZero();
  }

  @Test
  void a_filter_finds_states_type_queue_and_batch_and_nothing_else() {
    f.store.queues().create("夜间");
    long night = f.submit(StoreFixture.in("夜间"));
    long plain = f.submit();
    long later = f.submit(StoreFixture.due(StoreFixture.START.plusSeconds(999)));
    Batches.Opened batch = f.store.batches().open("b", Optional.empty());
    List<Long> members = f.submit(Collections.nCopies(3, StoreFixture.member(batch.batch())));
    f.store.batches().seal(batch.batch());

    assertThat(run(new Filter(Set.of(), none(), Optional.of("夜间"), OptionalLong.empty())))
        .isEqualTo(1);
    assertThat(f.state(night)).isEqualTo(TaskState.CANCELLED);
    assertThat(run(new Filter(Set.of(), none(), none(), OptionalLong.of(batch.batch()))))
        .isEqualTo(3);
    assertThat(members).extracting(f::state).containsOnly(TaskState.CANCELLED);
    assertThat(f.store.batches().find(batch.batch()).orElseThrow().ended()).isPresent();
    assertThat(run(Filter.of(Set.of(TaskState.SCHEDULED), Optional.of(StoreFixture.TYPE))))
        .isEqualTo(1);
    assertThat(f.state(later)).isEqualTo(TaskState.CANCELLED);
    assertThat(run(Filter.of(Set.of(), Optional.of("no.such")))).isZero();
    assertThat(f.state(plain)).isEqualTo(TaskState.READY);
    assertThatThrownBy(() -> run(Filter.of(Set.of(TaskState.FAILED), none())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[failed]");
  }

  @Test
  void many_go_page_by_page_up_to_the_limit_the_newest_first() {
    List<Long> tasks = f.submit(2 * BulkCancels.PAGE_MAX + 30);
    Cancels.Report first = cancels.run(filter(), BulkCancels.PAGE_MAX + 10, "kim");
    assertThat(first.cancelled()).isEqualTo(BulkCancels.PAGE_MAX + 10);
    assertThat(first.more()).isTrue();
    assertThat(f.state(tasks.getFirst())).isEqualTo(TaskState.READY);
    assertThat(f.state(tasks.getLast())).isEqualTo(TaskState.CANCELLED);
    Cancels.Report rest = cancels.run(filter(), 1_000, "kim");
    assertThat(rest.cancelled()).isEqualTo(BulkCancels.PAGE_MAX + 20);
    assertThat(rest.more()).isFalse();
    assertThat(f.count("select count(*) from block")).isZero();
    assertThat(f.count("select sum(n) from tally where state = 'cancelled'"))
        .isEqualTo(tasks.size());
  }

  @Test
  void what_has_begun_to_run_meanwhile_is_left_alone_if_only_waiting_tasks_are_meant() {
    long task = f.submit();
    Claim claim = f.claimOne(boot);
    PgOperatorMoves moves = (PgOperatorMoves) f.store.operatorMoves();
    assertThat(cancelWaiting(moves, task)).isEmpty();
    assertThat(f.detail(task).request()).isEmpty();
    f.finish(claim, StoreFixture.complete());
    assertThat(cancelWaiting(moves, task)).isEmpty();
  }

  @Test
  void steps_of_what_is_cancelled_are_undone_and_undo_tasks_are_not_cancelled_with_others() {
    long task = f.submit();
    Claim claim = f.claimOne(boot);
    LeaseToken lease = new LeaseToken(task, claim.counters().attempt(), claim.token());
    Undo undo = new Undo(StoreFixture.TYPE, "{}", "default");
    f.store.steps().begin(lease, new Draft("退票", Optional.of(undo)), false);
    f.finish(claim, StoreFixture.retry(Duration.ofHours(1)));
    assertThat(run(filter())).isEqualTo(1);

    long undoing = task + 1;
    assertThat(f.state(undoing)).isEqualTo(TaskState.READY);
    Cancels.Report report = cancels.run(filter(), 10, "kim");
    assertThat(report.cancelled()).isZero();
    assertThat(report.reasons())
        .singleElement()
        .satisfies(refused ->
            assertThat(refused.why())
                .contains("task " + undoing, "undoes step '退票' of task " + task));
    assertThat(cancels.wouldRun(filter(), 10).refused()).isEqualTo(1);
    assertThat(f.state(undoing)).isEqualTo(TaskState.READY);
  }

  private Optional<?> cancelWaiting(PgOperatorMoves moves, long task) {
    return new Db(f.source, f.random)
        .transaction(c -> moves.cancel(c, task, Set.of(TaskState.READY), "kim"));
  }

  private long run(Filter filter) {
    return cancels.run(filter, 1_000, "kim").cancelled();
  }

  private static Filter filter() {
    return Filter.ALL;
  }

  private static Optional<String> none() {
    return Optional.empty();
  }
}
