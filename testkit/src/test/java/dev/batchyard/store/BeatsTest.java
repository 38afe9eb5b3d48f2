package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Limits;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a beat tells of work to do. The lease is 10 s, so the beats are a second apart. */
@PostgresTest
class BeatsTest {

  private static final UUID A = new UUID(0xA, 1);

  private StoreFixture f;
  private NodeSession session;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    session = f.open(A, "a");
  }

  @AfterEach
  void close() {
    session.close();
    f.close();
  }

  @Test
  void a_look_tells_when_the_next_task_is_due() throws SQLException {
    try (Connection connection = f.source.getConnection()) {
      NodeSession quick = quick(connection);
      assertThat(quick.beat(false, 0, Look.ALL).due()).isEmpty();
      f.submit(StoreFixture.due(f.now.plusMillis(2_500)));
      assertThat(quick.beat(false, 0, Look.RECENT).due()).as("two more beats come").isEmpty();
      f.pass(Duration.ofSeconds(1));
      assertThat(quick.beat(false, 0, Look.RECENT).due()).contains(Duration.ofMillis(1_500));
      assertThat(quick.beat(false, 0, Look.NONE).due()).isEmpty();
      f.pass(Duration.ofSeconds(5));
      assertThat(quick.beat(false, 0, Look.RECENT).due()).contains(Duration.ZERO);
      f.pass(Duration.ofSeconds(5));
      assertThat(quick.beat(false, 0, Look.RECENT).due()).as("half a lease ago").isEmpty();
      assertThat(quick.beat(false, 0, Look.ALL).due()).contains(Duration.ZERO);
    }
  }

  @Test
  void a_look_that_stalled_puts_the_next_one_off_for_half_a_minute_at_most() throws SQLException {
    AtomicLong stalledNs = new AtomicLong();
    AtomicLong nowNs = new AtomicLong();
    try (Connection connection = f.source.getConnection()) {
      NodeSession slow =
          new PgNodeSession(
              connection,
              () -> Optional.of(f.now),
              A,
              Duration.ofSeconds(10),
              () -> nowNs.getAndAdd(stalledNs.get()));
      f.submit();
      f.pass(Duration.ofMinutes(1));
      stalledNs.set(Duration.ofMinutes(1).toNanos());
      assertThat(slow.beat(false, 0, Look.ALL).due()).contains(Duration.ZERO);
      stalledNs.set(0);
      nowNs.addAndGet(-Duration.ofMinutes(1).toNanos()); // as it was when the answer came
      assertThat(slow.beat(false, 0, Look.ALL).due()).as("spared").isEmpty();
      nowNs.addAndGet(Duration.ofSeconds(29).toNanos());
      assertThat(slow.beat(false, 0, Look.ALL).due()).as("spared still").isEmpty();
      nowNs.addAndGet(Duration.ofSeconds(1).toNanos());
      assertThat(slow.beat(false, 0, Look.ALL).due()).contains(Duration.ZERO);
    }
  }

  @Test
  void nothing_is_due_in_a_paused_queue_or_for_types_of_others() throws SQLException {
    f.submit();
    try (Connection connection = f.source.getConnection()) {
      NodeSession quick = quick(connection);
      f.store.queues().pause("default", "test");
      assertThat(quick.beat(false, 0, Look.ALL).due()).isEmpty();
      f.store.queues().resume("default");
      assertThat(quick.beat(false, 0, Look.ALL).due()).contains(Duration.ZERO);
      f.sql("update lane set type = 'other'");
      assertThat(quick.beat(false, 0, Look.ALL).due()).isEmpty();
      f.sql("update lane set type = '" + StoreFixture.TYPE + "'");
    }
  }

  @Test
  void a_beat_tells_of_limits_that_pass() {
    f.submit(
        StoreFixture.limited(
            new Limits(
                Optional.empty(),
                Optional.empty(),
                Optional.of(Duration.ofSeconds(5)),
                Optional.empty())));
    assertThat(session.beat(false, 0, Look.NONE).expiring()).isFalse();
    f.pass(Duration.ofSeconds(5));
    assertThat(session.beat(false, 0, Look.NONE).expiring()).isTrue();
    assertThat(f.store.expiries().expire()).isEqualTo(1);
    assertThat(session.beat(false, 0, Look.NONE).expiring()).isFalse();
  }

  @Test
  void a_beat_tells_whether_the_boot_owns_leases() {
    f.submit();
    assertThat(session.beat(false, 0, Look.NONE).owning()).isFalse();
    var claims = f.claim(A, 1);
    assertThat(session.beat(false, 0, Look.NONE).owning()).isTrue();
    f.finish(claims, StoreFixture.complete());
    assertThat(session.beat(false, 0, Look.NONE).owning()).isFalse();
  }

  @Test
  void among_many_nodes_the_dead_are_seen_though_not_every_beat_looks() {
    assertThat(session.beat(true, 0, Look.NONE).crowded()).isFalse();
    List<NodeSession> others = new ArrayList<>();
    try {
      for (int i = 1; i <= 20; i++) {
        others.add(f.open(new UUID(0xB, i), "b" + i));
      }
      UUID dead = f.node();
      while (f.count("select count(*) from node where free_seen_at is not null") == 0) {
        session.beat(true, 0, Look.NONE); // its lock is free within milliseconds
      }
      f.pass(Duration.ofSeconds(1));
      while (f.count("select count(*) from node where fenced_at is not null") == 0) {
        session.beat(true, 0, Look.NONE);
      }
      assertThat(
              f.count(
                  "select count(*) from node where boot = ? and fenced_why like '%session%'", dead))
          .isEqualTo(1);
      assertThat(f.count("select count(*) from node where fenced_at is null")).isEqualTo(21);
      assertThat(session.beat(true, 0, Look.NONE).crowded()).isTrue();
    } finally {
      others.forEach(NodeSession::close);
    }
  }

  /** {@return the session of the node, on a clock by which no look takes long} */
  private NodeSession quick(Connection connection) {
    return new PgNodeSession(
        connection, () -> Optional.of(f.now), A, Duration.ofSeconds(10), () -> 0);
  }
}
