package dev.batchyard.store;

import dev.batchyard.engine.placement.HeadRoom;
import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.placement.NodeLoad;
import dev.batchyard.engine.port.BootFenced;
import dev.batchyard.engine.port.NodePulse;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.SessionLost;
import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The dedicated connection: its death frees the advisory lock. */
final class PgNodeSession implements NodeSession {

  private static final Logger LOG = LoggerFactory.getLogger(PgNodeSession.class);

  private static final String BEAT =
      """
      select * from beat(?, ? * interval '1 ms', ?, ?, ?::bigint * interval '1 ms', ?::integer,
                         ?, ?::real, ?::real, ?::real, ?::real, ?::real, ?::timestamptz)
      """;

  /** Longer than any task has waited. */
  private static final Duration EVER = Duration.ofDays(100_000);

  /** A look at all that waits takes at most this share of the time. */
  private static final int LOOK_SHARE = 200;

  /** However long it took, as a stalled connection makes it: after this it is tried again. */
  private static final long LOOK_PAUSE_MAX_NS = Duration.ofSeconds(30).toNanos();

  private static final long QUICK_NS = Duration.ofMillis(10).toNanos();

  /** More nodes than this beat often enough for all, though each beats half as often. */
  private static final int CROWD = 20;

  private final Connection connection;
  private final StoreClock clock;
  private final UUID boot;
  private final Duration lease;
  private final LongSupplier nanos;
  private long lookedNs;
  private long lookTookNs;

  /** How many live, as of the last beat that looked; empty before the first. */
  private Optional<Integer> nodes = Optional.empty();

  /** The less loaded ones, as of the same beat. */
  private Optional<Lighter> lighter = Optional.empty();

  PgNodeSession(
      Connection connection, StoreClock clock, UUID boot, Duration lease, LongSupplier nanos) {
    this.connection = connection;
    this.clock = clock;
    this.boot = boot;
    this.lease = lease;
    this.nanos = nanos;
  }

  @Override
  public Beat beat(boolean mayFence, long refused, Look look, NodePulse pulse) {
    long fromNs = nanos.getAsLong();
    Optional<MachineUse> use = pulse.load().map(NodeLoad::use);
    Optional<Duration> back = back(look, fromNs);
    try {
      Optional<Beat> beat =
          Sql.first(
              connection,
              BEAT,
              this::beat,
              boot,
              lease.toMillis(),
              mayFence,
              refused,
              back.map(Duration::toMillis),
              nodes,
              pulse.running(),
              use.map(MachineUse::cpu),
              use.map(MachineUse::memory),
              use.map(MachineUse::disk),
              pulse.load().map(NodeLoad::score),
              pulse.load().map(load -> load.score() - HeadRoom.CLEARLY),
              clock.bound());
      if (back.filter(EVER::equals).isPresent()) {
        lookedNs = nanos.getAsLong();
        lookTookNs = lookedNs - fromNs;
      }
      return beat.orElseThrow(() -> new BootFenced(boot));
    } catch (SQLException e) {
      throw new SessionLost("no beat: " + e.getMessage(), e);
    }
  }

  /**
   * What was claimed before leaves dead index entries, which somebody's old snapshot may keep for
   * hours: a look from the beginning walks over all of them. One that took long is not repeated
   * soon; it becomes one at the last moments, before which there are few.
   */
  private Optional<Duration> back(Look look, long nowNs) {
    return switch (look) {
      case NONE -> Optional.empty();
      case RECENT -> Optional.of(lease.dividedBy(2));
      case ALL ->
          Optional.of(
              lookTookNs > QUICK_NS
                      && nowNs - lookedNs < Math.min(LOOK_PAUSE_MAX_NS, LOOK_SHARE * lookTookNs)
                  ? lease.dividedBy(2)
                  : EVER);
    };
  }

  @Override
  public boolean awaitWake(Duration most) {
    try {
      // 0 would wait for ever
      int ms = Math.clamp(most.toMillis(), 1, Integer.MAX_VALUE);
      PGNotification @Nullable [] woken =
          connection.unwrap(PGConnection.class).getNotifications(ms);
      return woken != null && woken.length > 0;
    } catch (SQLException e) {
      throw new SessionLost("no wake-ups: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      LOG.debug("closing a session: {}", e.getMessage());
    }
  }

  private Beat beat(ResultSet row) throws SQLException {
    int counted = row.getInt("nodes");
    if (!row.wasNull()) {
      nodes = Optional.of(counted);
      lighter = lighter(row);
    }
    List<StopRequest> requests = new ArrayList<>();
    for (Long task : longs(row.getArray("pauses"))) {
      requests.add(new StopRequest(task, false));
    }
    for (Long task : longs(row.getArray("cancels"))) {
      requests.add(new StopRequest(task, true));
    }
    long dueMs = row.getLong("due_ms");
    Optional<Duration> due =
        row.wasNull() ? Optional.empty() : Optional.of(Duration.ofMillis(Math.max(0, dueMs)));
    return new Beat(
        requests,
        row.getBoolean("releasable"),
        row.getBoolean("expiring"),
        row.getBoolean("owning"),
        due,
        nodes.filter(n -> n > CROWD).isPresent(),
        lighter,
        Cordon.valueOf(row.getString("cordon")));
  }

  private static Optional<Lighter> lighter(ResultSet row) throws SQLException {
    double headRoom = row.getDouble("head_room");
    if (row.wasNull()) {
      return Optional.empty();
    }
    Integer[] onlyHere = (Integer[]) row.getArray("only_here").getArray();
    return Optional.of(new Lighter(headRoom, Set.of(onlyHere)));
  }

  private static Long[] longs(Array array) throws SQLException {
    return (Long[]) array.getArray();
  }
}
