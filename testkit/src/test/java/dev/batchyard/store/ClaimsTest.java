package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.RunningRows.RunningRow;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class ClaimsTest {

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
  void a_claim_brings_everything_that_an_attempt_needs() {
    long task = f.submit();

    Claim claim = f.claimOne(node);

    assertThat(claim.task()).isEqualTo(task);
    assertThat(claim.type()).isEqualTo(StoreFixture.TYPE);
    assertThat(claim.paramsJson()).isEqualTo("{\"n\": 1}");
    assertThat(claim.counters()).isEqualTo(new Counters(1, 0, 0, 1));
    assertThat(claim.retry()).isEqualTo(RetryPolicy.DEFAULT);
    assertThat(claim.alone()).isFalse();
    assertThat(claim.begun().items()).isZero();
  }

  @Test
  void a_claim_takes_no_more_than_wanted_and_leaves_the_rest_in_place() {
    List<Long> ids = f.submit(700);

    List<Claim> first = f.claim(node, 120);
    List<Claim> second = f.claim(node, 500);

    assertThat(first).extracting(Claim::task).isEqualTo(ids.subList(0, 120));
    assertThat(second).extracting(Claim::task).isEqualTo(ids.subList(120, 620));
    assertThat(f.claim(node, 500)).extracting(Claim::task).isEqualTo(ids.subList(620, 700));
    assertThat(f.claim(node, 500)).isEmpty();
    assertThat(f.count("select count(*) from block")).isZero();
  }

  @Test
  void a_type_is_taken_only_up_to_its_lease_size_and_only_if_it_is_served() {
    f.submit(10);

    assertThat(
            f.store.claims().claim(node, UUID.randomUUID(), Map.of(StoreFixture.TYPE, 3), 9, true))
        .hasSize(3);
    assertThat(f.store.claims().claim(node, UUID.randomUUID(), Map.of("other", 3), 9, true))
        .isEmpty();
  }

  @Test
  void the_urgent_lane_goes_first_but_waiting_counts() {
    long patient = f.submit(priority(7));
    f.pass(Duration.ofSeconds(60 * 7 + 1));
    long urgent = f.submit(priority(0));
    assertThat(f.claimOne(node).task()).isEqualTo(patient);
    assertThat(f.claimOne(node).task()).isEqualTo(urgent);

    long late = f.submit(priority(7));
    long first = f.submit(priority(0));
    assertThat(f.claimOne(node).task()).isEqualTo(first);
    assertThat(f.claimOne(node).task()).isEqualTo(late);
  }

  @Test
  void nothing_is_claimed_from_a_paused_queue_or_by_a_fenced_or_unknown_node() {
    f.submit();
    f.sql("update queue set paused_by = 'kim', paused_at = now()");
    assertThat(f.claim(node, 1)).isEmpty();
    f.sql("update queue set paused_by = null, paused_at = null");
    assertThat(f.claim(new UUID(9, 9), 1)).isEmpty();
    f.store.sessions().leave(node);
    assertThat(f.claim(node, 1)).isEmpty();
    assertThat(f.claim(f.node(), 1)).hasSize(1);
  }

  @Test
  void a_lane_whose_blocks_others_hold_does_not_hide_the_next_lane() throws SQLException {
    f.submit(priority(0));
    long other = f.submit(priority(5));
    try (Connection holder = f.source.getConnection()) {
      holder.setAutoCommit(false);
      Sql.run(holder, "select * from block order by bid limit 1 for update");
      assertThat(f.claimOne(node).task()).isEqualTo(other);
      holder.rollback();
      holder.setAutoCommit(true);
    }
  }

  @Test
  void claims_that_split_one_block_at_the_same_time_never_lease_a_task_twice() {
    // the first draft keyed the block by its low end: a claim that had waited for a split joined by
    // the new key, deleted nothing and leased all the same
    List<Long> ids = f.submit(2_000);
    List<UUID> nodes = List.of(node, f.node(), f.node(), f.node());
    List<CompletableFuture<List<Long>>> claimers = new ArrayList<>();
    for (UUID one : nodes) {
      claimers.add(CompletableFuture.supplyAsync(() -> claimAll(one)));
    }

    List<Long> claimed =
        claimers.stream().flatMap(c -> c.join().stream()).collect(Collectors.toList());

    assertThat(claimed).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(
            f.count("select sum((select sum(upper(r) - lower(r)) from unnest(ids) r)) from lease"))
        .isEqualTo(2_000);
  }

  @Test
  void a_claim_whose_answer_was_lost_goes_back_uncharged_when_memory_is_compared() {
    List<Long> ids = f.submit(5);
    List<Claim> held = f.claim(node, 2);
    List<Claim> lost = f.claim(node, 2);
    Set<Long> tasks = held.stream().map(Claim::task).collect(Collectors.toSet());

    assertThat(f.store.claims().releaseUnheld(node, tasks)).isEqualTo(2);
    assertThat(f.store.claims().releaseUnheld(node, tasks)).isZero();

    List<Claim> again = f.claim(node, 3);
    assertThat(again).extracting(Claim::task).isEqualTo(ids.subList(2, 5));
    assertThat(again)
        .extracting(c -> c.counters().attempt())
        .as("two start for the second time")
        .containsExactly(2, 2, 1);
    assertThat(f.finish(lost, StoreFixture.complete()).refused()).hasSize(2);
    assertThat(f.finish(again, StoreFixture.complete()).kept()).hasSize(3);
    assertThat(f.finish(held, StoreFixture.complete()).kept()).hasSize(2);
    assertThat(f.historyIsLegal(ids.get(2))).isTrue();
  }

  @Test
  void what_nobody_holds_of_a_lease_goes_back_with_its_requests_and_the_rest_stays() {
    List<Claim> claims = claimOfOneLease(4);
    Claim cancelled = claims.get(0);
    Claim held = claims.get(1);
    Claim dropped = claims.get(2);
    Claim alsoHeld = claims.get(3);
    f.store.runningRows().record("node", claims.stream().map(ClaimsTest::running).toList());
    f.store.operatorMoves().cancel(cancelled.task(), "kim");
    f.store.operatorMoves().cancel(held.task(), "kim");
    Set<Long> tasks = Set.of(held.task(), alsoHeld.task());

    assertThat(f.store.claims().releaseUnheld(node, tasks)).isEqualTo(2);
    assertThat(f.store.claims().releaseUnheld(node, tasks)).isZero();

    assertThat(f.state(cancelled.task())).isEqualTo(TaskState.CANCELLED);
    assertThat(f.count("select task from request"))
        .as("of the one that runs")
        .isEqualTo(held.task());
    assertThat(f.count("select count(*) from running")).isEqualTo(2);
    assertThat(f.claim(node, 5)).extracting(Claim::task).containsExactly(dropped.task());
    assertThat(f.finish(List.of(cancelled, dropped), StoreFixture.complete()).kept()).isEmpty();
    assertThat(f.finish(alsoHeld, StoreFixture.complete()).kept()).hasSize(1);
    assertThat(f.finish(held, new Verdict.Release()).kept()).hasSize(1);
    assertThat(f.state(held.task())).as("its cancel was kept").isEqualTo(TaskState.CANCELLED);
    assertThat(f.historyIsLegal(dropped.task())).isTrue();
  }

  private List<Claim> claimOfOneLease(int size) {
    f.submit(size);
    List<Claim> claims = f.claim(node, size);
    assertThat(claims).hasSize(size);
    assertThat(claims).extracting(Claim::lease).containsOnly(claims.getFirst().lease());
    return claims;
  }

  private static RunningRow running(Claim claim) {
    return new RunningRow(claim, Duration.ofSeconds(2), 1, 0, 1, OptionalLong.empty());
  }

  @Test
  void ids_without_a_row_are_forgotten_and_hold_nobody_up() {
    List<Long> ids = f.submit(7);
    f.sql("delete from task where id in (%d, %d)".formatted(ids.get(0), ids.get(3)));

    assertThat(f.claim(node, 1)).as("the missing one alone").isEmpty();
    assertThat(f.count("select count(*) from lease")).isZero();
    List<Claim> claims = f.claim(node, 5);
    assertThat(claims)
        .extracting(Claim::task)
        .containsExactly(ids.get(1), ids.get(2), ids.get(4), ids.get(5));
    assertThat(f.finish(claims, StoreFixture.complete()).kept()).hasSize(4);
    assertThat(f.count("select count(*) from lease")).isZero();
    assertThat(f.claim(node, 5)).extracting(Claim::task).containsExactly(ids.get(6));
    assertThat(f.store.claims().releaseUnheld(node, Set.of())).as("the last alone").isEqualTo(1);
  }

  @Test
  void releasing_what_is_not_held_obeys_a_cancel_that_was_promised() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    f.store.operatorMoves().cancel(task, "kim");

    assertThat(f.store.claims().releaseUnheld(node, Set.of())).isEqualTo(1);

    assertThat(f.state(task)).isEqualTo(TaskState.CANCELLED);
    assertThat(f.claim(node, 1)).isEmpty();
    assertThat(f.finish(claim, StoreFixture.complete()).refused()).containsExactly(task);
    assertThat(f.count("select count(*) from request")).isZero();
  }

  @Test
  void the_claim_walks_the_primary_key_of_blocks_whatever_the_statistics_say() {
    f.submit();
    f.sql(
        """
        insert into block (lane, due_at, first, lo, hi)
        select (select id from lane), timestamptz '2031-01-01' + i * interval '1 s', i, i, i
          from generate_series(1000, 101000) i
        """);
    f.sql("analyze block");
    for (String statement : List.of(PgClaims.CLAIM)) {
      String plan = f.plan(statement);
      assertThat(plan).contains("Index Scan using block_pkey on block b");
      assertThat(plan).doesNotContain("Seq Scan on block").doesNotContain("block_first");
      // the order comes from the index: no sort between the block and the limit
      int scan = plan.indexOf("block_pkey");
      assertThat(plan.substring(plan.lastIndexOf("Limit", scan), scan)).doesNotContain("Sort");
    }
  }

  private List<Long> claimAll(UUID boot) {
    List<Long> mine = new ArrayList<>();
    int empty = 0;
    while (empty < 20) {
      List<Claim> claims =
          f.store.claims().claim(boot, UUID.randomUUID(), Map.of(StoreFixture.TYPE, 500), 7, true);
      claims.forEach(c -> mine.add(c.task()));
      empty = claims.isEmpty() ? empty + 1 : 0;
    }
    return mine;
  }

  private static TaskDraft priority(int priority) {
    return new TaskDraft(
        StoreFixture.TYPE,
        "{}",
        "",
        "default",
        priority,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        "default");
  }

  @Test
  void no_two_claims_share_a_lease() {
    f.submit(100);
    Set<Long> leases = new HashSet<>();
    for (int i = 0; i < 10; i++) {
      leases.add(f.claim(node, 10).getFirst().lease());
    }
    assertThat(leases).hasSize(10);
  }
}
