package dev.batchyard.store;

import dev.batchyard.engine.port.BootFenced;
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
import java.util.UUID;
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
      select * from beat(?, ? * interval '1 ms', ?, ?, ?::timestamptz)
      """;

  private final Connection connection;
  private final StoreClock clock;
  private final UUID boot;
  private final Duration lease;

  PgNodeSession(Connection connection, StoreClock clock, UUID boot, Duration lease) {
    this.connection = connection;
    this.clock = clock;
    this.boot = boot;
    this.lease = lease;
  }

  @Override
  public Beat beat(boolean mayFence, long refused) {
    try {
      Optional<Beat> beat =
          Sql.first(
              connection,
              BEAT,
              PgNodeSession::beat,
              boot,
              lease.toMillis(),
              mayFence,
              refused,
              clock.bound());
      return beat.orElseThrow(() -> new BootFenced(boot));
    } catch (SQLException e) {
      throw new SessionLost("no beat: " + e.getMessage(), e);
    }
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

  private static Beat beat(ResultSet row) throws SQLException {
    List<StopRequest> requests = new ArrayList<>();
    for (Long task : longs(row.getArray("pauses"))) {
      requests.add(new StopRequest(task, false));
    }
    for (Long task : longs(row.getArray("cancels"))) {
      requests.add(new StopRequest(task, true));
    }
    return new Beat(requests, row.getBoolean("releasable"));
  }

  private static Long[] longs(Array array) throws SQLException {
    return (Long[]) array.getArray();
  }
}
