package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.batchyard.engine.port.BootFenced;
import dev.batchyard.engine.port.NameTaken;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.engine.port.SessionLost;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class SessionsTest {

  private static final UUID A = new UUID(0xA, 0x8000_0000_0000_000AL);
  private static final UUID B = new UUID(0xB, 1);

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
  void a_node_shows_itself_and_beats() {
    try (NodeSession a = f.open(A, "a")) {
      f.pass(Duration.ofSeconds(3));
      NodeSession.Beat beat = a.beat(true, 2, Look.NONE);
      assertThat(beat.requests()).isEmpty();
      assertThat(beat.releasable()).isFalse();
      NodeRow row = row(A);
      assertThat(row.name()).isEqualTo("a");
      assertThat(row.alive()).isTrue();
      assertThat(row.lastBeat()).isEqualTo(f.now);
      assertThat(row.refused()).isEqualTo(2);
      assertThat(f.store.nodeViews().servedTypes()).containsExactly(StoreFixture.TYPE);
    }
  }

  @Test
  void a_lapsed_node_that_beats_first_goes_on() {
    try (NodeSession a = f.open(A, "a");
        NodeSession b = f.open(B, "b")) {
      f.pass(Duration.ofMinutes(5)); // the store was away
      a.beat(false, 0, Look.NONE);
      b.beat(false, 0, Look.NONE);
      a.beat(true, 0, Look.NONE);
      b.beat(true, 0, Look.NONE);
      assertThat(row(A).alive()).isTrue();
      assertThat(row(B).alive()).isTrue();
    }
  }

  @Test
  void a_node_whose_lease_has_lapsed_is_fenced_only_by_one_who_may() {
    try (NodeSession a = f.open(A, "a");
        NodeSession b = f.open(B, "b")) {
      f.pass(Duration.ofMillis(10_001));
      a.beat(false, 0, Look.NONE);
      assertThat(row(B).fencedWhy()).isEmpty();
      a.beat(true, 0, Look.NONE);
      assertThat(row(B).fencedWhy()).isEqualTo("its lease lapsed");
      assertThat(row(B).alive()).isFalse();
      assertThatThrownBy(() -> b.beat(true, 0, Look.NONE)).isInstanceOf(BootFenced.class);
      assertThatThrownBy(() -> f.open(B, "b")).isInstanceOf(BootFenced.class);
      assertThat(row(B).fencedWhy()).as("once and for ever").isEqualTo("its lease lapsed");
    }
  }

  @Test
  void a_node_whose_session_is_gone_for_a_second_is_fenced_within_its_lease() {
    try (NodeSession a = f.open(A, "a")) {
      NodeSession b = f.open(B, "b");
      a.beat(true, 0, Look.NONE);
      b.close();
      awaitFreeLock(B);
      a.beat(true, 0, Look.NONE);
      f.pass(Duration.ofMillis(999));
      a.beat(true, 0, Look.NONE);
      assertThat(row(B).fencedWhy()).isEmpty();
      f.pass(Duration.ofMillis(1));
      a.beat(true, 0, Look.NONE);
      assertThat(row(B).fencedWhy()).isEqualTo("its session was gone");
    }
  }

  @Test
  void a_node_that_opens_a_new_session_in_time_is_not_fenced() {
    try (NodeSession a = f.open(A, "a")) {
      f.open(B, "b").close();
      awaitFreeLock(B);
      a.beat(true, 0, Look.NONE);
      f.pass(Duration.ofMillis(900));
      try (NodeSession b = f.open(B, "b")) {
        f.pass(Duration.ofMillis(900));
        a.beat(true, 0, Look.NONE);
        b.beat(true, 0, Look.NONE);
        f.pass(Duration.ofSeconds(2));
        a.beat(true, 0, Look.NONE);
        assertThat(row(B).alive()).isTrue();
      }
    }
  }

  @Test
  void a_renewal_after_the_lock_was_first_seen_free_starts_the_second_anew() {
    try (NodeSession a = f.open(A, "a")) {
      f.open(B, "b").close();
      awaitFreeLock(B);
      a.beat(true, 0, Look.NONE);
      f.pass(Duration.ofMillis(900));
      f.sql("update node set beat_at = beat_at, free_seen_at = null where name = 'b'"); // renewed
      f.pass(Duration.ofMillis(900));
      a.beat(true, 0, Look.NONE);
      assertThat(row(B).fencedWhy()).isEmpty();
    }
  }

  @Test
  void a_node_that_starts_again_under_its_name_fences_its_dead_boots_at_once() {
    f.open(A, "same").close();
    awaitFreeLock(A);
    try (NodeSession other = f.open(new UUID(7, 1), "other");
        NodeSession b = f.open(B, "same")) {
      assertThat(row(A).fencedWhy()).contains("same started again");
      assertThat(row(new UUID(7, 1)).alive()).isTrue();
      b.beat(true, 0, Look.NONE);
      other.beat(true, 0, Look.NONE);
    }
  }

  @Test
  void a_name_that_lives_is_refused_and_nothing_is_stored_until_it_leaves() {
    UUID newcomer = new UUID(8, 1);
    try (NodeSession a = f.open(A, "same")) {
      NameTaken first = refused(newcomer);
      assertThat(first)
          .hasMessage(
              "node 'same' runs already, as process 1 on host; stop that one, or give this one a name of its own (--name)");
      assertThat(refused(newcomer).beatsSince(first)).as("it has not beaten since").isFalse();
      f.pass(Duration.ofSeconds(1));
      a.beat(true, 0, Look.NONE);
      assertThat(refused(newcomer).beatsSince(first)).isTrue();
      assertThat(f.store.nodeViews().nodes()).extracting(NodeRow::boot).containsExactly(A);
      f.store.sessions().leave(A);
      try (NodeSession b = f.open(newcomer, "same")) {
        b.beat(true, 0, Look.NONE);
        assertThat(row(A).fencedWhy()).isEqualTo("stopped");
      }
    }
  }

  @Test
  void a_namesake_that_holds_its_lock_past_its_lease_is_fenced_by_the_next() {
    try (NodeSession frozen = f.open(A, "same")) {
      f.pass(Duration.ofSeconds(10));
      assertThat(refused(B)).isNotNull();
      f.pass(Duration.ofMillis(1));
      try (NodeSession b = f.open(B, "same")) {
        assertThat(row(A).fencedWhy()).isEqualTo("its lease lapsed");
        assertThatThrownBy(() -> frozen.beat(true, 0, Look.NONE)).isInstanceOf(BootFenced.class);
        b.beat(true, 0, Look.NONE);
      }
    }
  }

  @Test
  void of_many_that_start_at_once_under_one_name_one_gets_it() throws Exception {
    int starters = 8;
    List<Future<NodeSession>> opened = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(starters)) {
      for (int n = 1; n <= starters; n++) {
        UUID boot = new UUID(n, 99);
        opened.add(threads.submit(() -> f.open(boot, "same")));
      }
    }
    int sessions = 0;
    for (Future<NodeSession> each : opened) {
      if (each.state() == Future.State.SUCCESS) {
        each.resultNow().close();
        sessions++;
      } else {
        assertThat(each.exceptionNow()).isInstanceOf(NameTaken.class);
      }
    }
    assertThat(sessions).isEqualTo(1);
  }

  private NameTaken refused(UUID boot) {
    return catchThrowableOfType(NameTaken.class, () -> f.open(boot, "same").close());
  }

  @Test
  void a_node_takes_over_the_lock_of_its_own_earlier_session() {
    NodeSession first = f.open(A, "a");
    try (NodeSession second = f.open(A, "a")) {
      second.beat(true, 0, Look.NONE);
      assertThatThrownBy(() -> first.beat(true, 0, Look.NONE)).isInstanceOf(SessionLost.class);
      assertThatThrownBy(() -> first.awaitWake(Duration.ofSeconds(1)))
          .isInstanceOf(SessionLost.class);
      assertThat(row(A).alive()).isTrue();
    }
    first.close();
  }

  @Test
  void a_node_that_left_keeps_nobody_waiting() {
    try (NodeSession a = f.open(A, "a");
        NodeSession b = f.open(B, "b")) {
      f.submit();
      f.claim(B, 1);
      assertThat(a.beat(true, 0, Look.NONE).releasable()).isFalse();
      f.store.sessions().leave(B);
      assertThat(a.beat(true, 0, Look.NONE).releasable()).isTrue();
      assertThat(row(B).fencedWhy()).isEqualTo("stopped");
      assertThat(f.store.rescues().rescue()).isEqualTo(1);
      assertThat(a.beat(true, 0, Look.NONE).releasable()).isFalse();
      assertThatThrownBy(() -> b.beat(true, 0, Look.NONE)).isInstanceOf(SessionLost.class);
    }
  }

  private void awaitFreeLock(UUID boot) {
    while (f.count("select node_lock_held(?)::integer", PgSessions.lockKey(boot)) == 1) {
      Thread.onSpinWait(); // the server notices a closed connection within milliseconds
    }
  }

  private NodeRow row(UUID boot) {
    return f.store.nodeViews().nodes().stream()
        .filter(n -> n.boot().equals(boot))
        .findFirst()
        .orElseThrow();
  }
}
