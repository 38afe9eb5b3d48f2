package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Cordons;
import dev.batchyard.engine.port.Cordons.Change;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Cordon;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.engine.port.NodeViews.Cordoned;
import dev.batchyard.engine.port.NodeViews.HeldTask;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Nodes that a person keeps from claiming. */
@PostgresTest
class CordonsTest {

  private static final UUID A = new UUID(0xA, 1);
  private static final UUID B = new UUID(0xB, 1);

  private final TestDatabase database;
  private StoreFixture f;
  private Cordons cordons;

  CordonsTest(TestDatabase database) {
    this.database = database;
  }

  @BeforeEach
  void open() {
    f = new StoreFixture(database);
    cordons = f.store.cordons();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_cordoned_node_claims_nothing_and_is_not_woken_until_the_cordon_is_lifted() {
    try (NodeSession session = f.open(A, "节点")) {
      long first = f.submit();
      assertThat(f.claim(A, 9)).extracting(Claim::task).containsExactly(first);
      long second = f.submit();
      assertThat(cordons.cordon("节点", "李雷")).isEqualTo(Change.DONE);
      assertThat(cordons.cordon("节点", "kim")).isEqualTo(Change.ALREADY);
      assertThat(f.claim(A, 9)).isEmpty();
      NodeSession.Beat beat = session.beat(true, 0, Look.ALL);
      assertThat(beat.cordon()).isEqualTo(Cordon.STANDS);
      assertThat(beat.due()).isEmpty();
      assertThat(f.reasons(second)).containsExactly("cordoned");
      assertThat(row().cordon()).contains(new Cordoned("李雷", f.now, false, false));

      assertThat(cordons.uncordon("节点")).isEqualTo(Change.DONE);
      assertThat(cordons.uncordon("节点")).isEqualTo(Change.ALREADY);
      assertThat(session.beat(true, 0, Look.ALL).cordon()).isEqualTo(Cordon.NONE);
      assertThat(f.reasons(second)).containsExactly("line");
      assertThat(f.claim(A, 9)).extracting(Claim::task).containsExactly(second);
    }
  }

  @Test
  void a_cordon_stays_over_a_restart_of_its_node_but_does_not_end_it_again() {
    f.open(A, "n").close();
    assertThat(cordons.drain("n", true, "kim")).isEqualTo(Change.DONE);
    f.store.sessions().leave(A);
    f.submit();
    try (NodeSession session = f.open(B, "n")) {
      assertThat(f.claim(B, 9)).isEmpty();
      assertThat(session.beat(true, 0, Look.NONE).cordon()).isEqualTo(Cordon.DRAINS);
    }
    assertThat(cordons.uncordon("n")).isEqualTo(Change.DONE);
    assertThat(f.claim(B, 9)).hasSize(1);
  }

  @Test
  void a_cordon_can_become_a_drain_and_back() {
    try (NodeSession session = f.open(A, "n")) {
      cordons.cordon("n", "kim");
      assertThat(cordons.drain("n", false, "kim")).isEqualTo(Change.DONE);
      assertThat(session.beat(true, 0, Look.NONE).cordon()).isEqualTo(Cordon.DRAINS);
      assertThat(cordons.drain("n", true, "kim")).isEqualTo(Change.DONE);
      assertThat(session.beat(true, 0, Look.NONE).cordon()).isEqualTo(Cordon.ENDS);
      assertThat(cordons.cordon("n", "kim")).isEqualTo(Change.DONE);
      assertThat(session.beat(true, 0, Look.NONE).cordon()).isEqualTo(Cordon.STANDS);
    }
  }

  @Test
  void a_node_that_never_was_or_is_long_gone_is_not_cordoned() {
    assertThat(cordons.cordon("x", "kim")).isEqualTo(Change.NOT_FOUND);
    assertThat(cordons.uncordon("x")).isEqualTo(Change.NOT_FOUND);
    f.open(A, "n").close();
    f.store.sessions().leave(A);
    f.pass(Duration.ofHours(2));
    assertThat(cordons.drain("n", false, "kim")).isEqualTo(Change.NOT_FOUND);
  }

  @Test
  void what_a_node_holds_is_listed() {
    f.open(A, "n").close();
    List<Long> ids = f.submit(3);
    Instant then = f.now;
    assertThat(f.claim(A, 2)).hasSize(2);
    assertThat(f.store.nodeViews().held("n"))
        .containsExactly(
            new HeldTask(ids.get(0), StoreFixture.TYPE, then, Optional.empty()),
            new HeldTask(ids.get(1), StoreFixture.TYPE, then, Optional.empty()));
    f.kill(A);
    assertThat(f.store.nodeViews().held("n")).isEmpty();
  }

  private NodeRow row() {
    return f.store.nodeViews().nodes().getFirst();
  }
}
