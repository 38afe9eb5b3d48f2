package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.engine.port.BootFenced;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.engine.port.SessionLost;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.UUID;
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
      try (NodeSession c = f.open(new UUID(8, 1), "same")) {
        assertThat(row(B).alive()).as("a live one of the same name stays").isTrue();
        c.beat(true, 0, Look.NONE);
      }
      b.beat(true, 0, Look.NONE);
      other.beat(true, 0, Look.NONE);
    }
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
