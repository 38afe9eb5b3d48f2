package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.store.server.Database;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class RescuesTest {

  private TestDatabase test;
  private StoreFixture f;
  private UUID node;

  @BeforeEach
  void open(TestDatabase database) {
    test = database;
    f = new StoreFixture(database);
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void what_a_live_node_holds_is_left_alone() {
    f.submit(3);
    f.claim(node, 3);
    assertThat(f.store.rescues().rescue()).isZero();
  }

  @Test
  void
      a_task_that_died_in_a_lease_of_its_own_is_a_suspect_then_runs_alone_and_then_is_quarantined() {
    long task = f.submit();
    Instant due = f.now;
    for (int death = 1; death <= 2; death++) {
      f.pass(Duration.ofSeconds(1));
      Claim claim = f.claimOne(node);
      assertThat(claim.counters()).isEqualTo(new Counters(death, 0, death - 1, 1));
      assertThat(claim.alone()).isFalse();
      assertThat(f.kill(node)).isEqualTo(1);
      node = f.node();
      assertThat(f.detail(task).row().due()).as("it keeps its due time").isEqualTo(due);
      assertThat(f.claim(node, 1, false)).as("no other suspect comes beside one").isEmpty();
    }
    assertThat(f.claimOne(node).alone()).isTrue();
    f.kill(node);

    assertThat(f.state(task)).isEqualTo(TaskState.QUARANTINED);
    assertThat(f.detail(task).row().counters()).isEqualTo(new Counters(3, 0, 3, 1));
    assertThat(f.detail(task).row().problem())
        .contains("died 3 times while it ran, the last time alone")
        .contains("its session is gone");
    assertThat(f.detail(task).attempts())
        .extracting(a -> a.ended())
        .containsOnly("lost")
        .hasSize(3);
    assertThat(f.historyIsLegal(task)).as("%s", f.history(task)).isTrue();
    f.store.operatorMoves().rerun(task, "kim");
    assertThat(f.claimOne(f.node()).counters()).isEqualTo(new Counters(4, 0, 0, 2));
  }

  @Test
  void a_lost_attempt_ended_with_the_last_beat_of_its_node_and_not_with_its_rescue() {
    long task = f.submit();
    UUID boot = new UUID(9, 9);
    try (NodeSession session = f.open(boot, "n9")) {
      f.claimOne(boot);
      f.pass(Duration.ofSeconds(4));
      session.beat(false, 0, Look.NONE);
    }
    f.pass(Duration.ofMinutes(20));
    f.kill(boot);

    assertThat(f.detail(task).attempts().getFirst().took()).contains(Duration.ofSeconds(4));
    assertThat(f.detail(task).took()).as("it has not ended").isEmpty();
    assertThat(f.detail(task).events().getLast().at()).isEqualTo(f.now);
    assertThat(f.historyIsLegal(task)).isTrue();
  }

  @Test
  void a_task_that_commits_progress_may_die_for_ever() {
    long task = f.submit();
    for (int death = 1; death <= 5; death++) {
      Claim claim = f.claimOne(node);
      assertThat(claim.alone()).isFalse();
      assertThat(claim.begun().items()).isEqualTo(5L * (death - 1));
      f.commitChunk(claim);
      f.kill(node);
      node = f.node();
    }
    assertThat(f.state(task)).isEqualTo(TaskState.READY);
    assertThat(f.detail(task).row().counters()).isEqualTo(new Counters(5, 0, 0, 1));
    assertThat(f.detail(task).ledger().orElseThrow().read()).isEqualTo(25);
    assertThat(f.historyIsLegal(task)).isTrue();
  }

  @Test
  void a_lease_of_many_goes_back_in_halves_until_the_guilty_one_is_alone() {
    List<Long> ids = f.submit(100);
    long guilty = ids.get(37);
    int deaths = 0;
    while (f.state(guilty) != TaskState.QUARANTINED) {
      List<Claim> claims = f.claim(node, 500);
      if (claims.stream().noneMatch(c -> c.task() == guilty)) {
        assertThat(f.finish(claims, StoreFixture.complete()).kept()).hasSize(claims.size());
        continue;
      }
      f.kill(node);
      node = f.node();
      deaths++;
    }
    f.finish(f.claim(node, 500), StoreFixture.complete());

    assertThat(deaths).as("halvings of 100, then three alone").isLessThanOrEqualTo(7 + 3);
    assertThat(f.store.taskViews().counts())
        .containsEntry(TaskState.COMPLETED, 99L)
        .containsEntry(TaskState.QUARANTINED, 1L);
    assertThat(ids.stream().filter(id -> id != guilty))
        .as("neighbours are charged nothing")
        .allMatch(id -> f.detail(id).row().counters().crashes() == 0);
    assertThat(ids).allMatch(id -> f.historyIsLegal(id));
  }

  @Test
  void a_half_is_leased_whole_even_where_fewer_are_wanted() {
    f.submit(100);
    f.claim(node, 100);
    f.kill(node);
    f.submit(100);

    List<Claim> half = f.claim(f.node(), 8);

    assertThat(half).hasSize(50).extracting(Claim::lease).containsOnly(half.getFirst().lease());
  }

  @Test
  void what_was_finished_before_the_death_does_not_come_back() {
    List<Long> ids = f.submit(10);
    List<Claim> claims = f.claim(node, 10);
    f.finish(claims.subList(2, 5), StoreFixture.complete());

    assertThat(f.kill(node)).isEqualTo(7);

    node = f.node();
    assertThat(f.claim(node, 10)).extracting(Claim::task).isEqualTo(ids.subList(0, 2));
    assertThat(f.claim(node, 10)).extracting(Claim::task).isEqualTo(ids.subList(5, 10));
  }

  @Test
  void a_zombie_is_refused_and_its_chunk_does_not_commit() {
    long task = f.submit();
    Claim zombie = f.claimOne(node);
    f.kill(node);
    Claim owner = f.claimOne(f.node());

    assertThat(f.finish(zombie, StoreFixture.complete()).refused()).containsExactly(task);
    assertThat(f.finish(zombie, new Verdict.Release()).refused()).containsExactly(task);
    assertThat(chunkState(zombie)).isEqualTo("BY001");
    assertThat(chunkState(owner)).isEmpty();
    assertThat(f.finish(owner, StoreFixture.complete()).kept()).containsExactly(task);
    assertThat(f.finish(zombie, StoreFixture.complete()).refused()).containsExactly(task);
    assertThat(f.detail(task).row().counters().attempt()).isEqualTo(2);
  }

  @Test
  void a_process_frozen_inside_a_transaction_holds_nothing() throws SQLException {
    long task = f.submit();
    UUID boot = new UUID(4, 4);
    f.open(boot, "frozen").close();
    Claim claim = f.claimOne(boot);
    Database frozen = test.database(boot);
    try (Connection connection = frozen.queue().getConnection()) {
      connection.setAutoCommit(false);
      Sql.run(connection, "select id from lease where id = ? for update", claim.lease());

      assertThat(f.kill(boot)).isEqualTo(1);

      assertThat(f.state(task)).isEqualTo(TaskState.READY);
    } catch (SQLException e) {
      assertThat(SqlStates.away(e)).as("its connection was ended: %s", e).isTrue();
    } finally {
      frozen.close();
    }
    assertThat(f.state(task)).isEqualTo(TaskState.READY);
  }

  @Test
  void what_a_node_held_that_stopped_in_good_order_goes_back_uncharged() {
    List<Long> ids = f.submit(4);
    f.claim(node, 1);
    f.claim(node, 3);
    f.store.sessions().leave(node);

    assertThat(f.store.rescues().rescue()).isEqualTo(4);

    assertThat(ids).allMatch(id -> f.detail(id).row().counters().crashes() == 0);
    assertThat(f.detail(ids.getFirst()).attempts())
        .extracting(a -> a.ended())
        .containsExactly("released");
    assertThat(f.claim(f.node(), 4, false)).as("none is a suspect").hasSize(4);
    assertThat(ids).allMatch(id -> f.historyIsLegal(id));
  }

  @Test
  void requests_are_carried_out_for_the_dead() {
    List<Long> ids = f.submit(6);
    f.claim(node, 6);
    f.store.operatorMoves().cancel(ids.get(1), "kim");
    f.store.operatorMoves().pause(ids.get(4), "kim");

    assertThat(f.kill(node)).isEqualTo(6);

    assertThat(f.state(ids.get(1))).isEqualTo(TaskState.CANCELLED);
    assertThat(f.state(ids.get(4))).isEqualTo(TaskState.PAUSED);
    assertThat(f.store.taskViews().counts()).containsEntry(TaskState.READY, 4L);
    assertThat(f.count("select count(*) from request")).isZero();
    assertThat(ids).allMatch(id -> f.historyIsLegal(id));
    assertThat(f.store.operatorMoves().resume(ids.get(4), "kim"))
        .isEqualTo(dev.batchyard.engine.port.OperatorMoves.Move.DONE);
    assertThat(f.historyIsLegal(ids.get(4))).isTrue();
  }

  @Test
  void leases_of_a_boot_that_nobody_knows_are_rescued_too() {
    f.submit();
    f.claim(node, 1);
    f.sql("delete from node");
    assertThat(f.store.rescues().rescue()).isEqualTo(1);
  }

  @Test
  void requests_are_carried_out_for_a_boot_that_nobody_knows() {
    List<Long> ids = f.submit(3);
    f.claim(node, 3);
    f.store.operatorMoves().cancel(ids.get(0), "kim");
    f.store.operatorMoves().pause(ids.get(2), "kim");
    f.sql("delete from node");

    assertThat(f.store.rescues().rescue()).isEqualTo(3);

    assertThat(f.state(ids.get(0))).isEqualTo(TaskState.CANCELLED);
    assertThat(f.state(ids.get(2))).isEqualTo(TaskState.PAUSED);
    assertThat(f.detail(ids.get(2)).events().getLast().why())
        .isEqualTo("paused; node ? no longer has it");
  }

  @Test
  void a_lease_that_cannot_be_released_holds_up_no_other() {
    List<Long> ids = f.submit(45);
    ids.forEach(id -> f.claimOne(node));
    long bad = ids.get(1);
    f.sql("alter table attempt_log add constraint refuses check (task <> " + bad + ")");
    try {
      assertThat(f.kill(node)).isEqualTo(44);
      assertThat(f.store.rescues().rescue()).isZero();
    } finally {
      f.sql("alter table attempt_log drop constraint refuses");
    }
    assertThat(f.state(bad)).isEqualTo(TaskState.RUNNING);
    assertThat(f.store.rescues().rescue()).as("it is tried again").isEqualTo(1);
  }

  private String chunkState(Claim claim) {
    try (Connection c = f.source.getConnection()) {
      Sql.run(
          c,
          "select commit_chunk(?, ?, 0, 1, '{}', 1, 1, 0, 0, null)",
          claim.task(),
          claim.token());
      return "";
    } catch (SQLException e) {
      return e.getSQLState();
    }
  }
}
