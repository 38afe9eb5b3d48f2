package dev.batchyard.store;

import dev.batchyard.api.Progress;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.Decisions;
import dev.batchyard.engine.task.TimeLimits;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What the statements of a claim return, as records. */
final class ClaimRows {

  private ClaimRows() {}

  /**
   * For how many tasks of a lane its pools have room.
   *
   * @param lacking pools that have none
   * @param tooMuch whether a task uses more than one of them has
   * @param spends whether what is taken is spent, of a rate or a budget
   * @param again after how long there may be room by time alone, if there is none
   */
  record Room(
      int tasks, List<String> lacking, boolean tooMuch, boolean spends, Optional<Duration> again) {}

  /**
   * A lane that has something due and what was taken of it.
   *
   * @param ids how many were to be taken at most
   * @param pooled whether its tasks use pools
   * @param size how many were leased
   * @param lastDue the latest due time of these; empty if none was
   */
  record Head(
      int lane,
      String type,
      boolean whole,
      long wanted,
      long ids,
      boolean pooled,
      long size,
      Optional<Instant> lastDue) {

    /** {@return the same as one of which none is wanted now} */
    Head unwanted() {
      return new Head(lane, type, whole, 0, ids, pooled, size, lastDue);
    }
  }

  /**
   * What a look found.
   *
   * @param leases those of the claims
   * @param lacking if its pools have no room: it is passed over, and others come to its place
   */
  record Found(Head head, List<Claim> claims, Set<Long> leases, Optional<Room> lacking) {

    static Found none(Head head) {
      return new Found(head, List.of(), Set.of(), Optional.empty());
    }

    static Found passed(Head head, Room room) {
      return new Found(head, List.of(), Set.of(), Optional.of(room));
    }
  }

  /** Reads what the statement returns. */
  static final class Rows {

    private final UUID token;
    private final Set<Long> leases = new HashSet<>();
    private @Nullable Head first;

    Rows(UUID token) {
      this.token = token;
    }

    Optional<Claim> read(ResultSet row) throws SQLException {
      if (row.isFirst()) {
        first = head(row);
      }
      leases.add(row.getLong("lease"));
      return claim(row, Objects.requireNonNull(first), token);
    }

    Optional<Found> found(List<Optional<Claim>> rows) {
      if (rows.isEmpty()) {
        return Optional.empty();
      }
      Head head = Objects.requireNonNull(first);
      List<Claim> claims = rows.stream().flatMap(Optional::stream).toList();
      if (claims.size() > head.ids() || claims.size() > head.size()) {
        throw new IllegalStateException(
            "lane %d: %d tasks leased, %d returned, %d wanted"
                .formatted(head.lane(), head.size(), claims.size(), head.ids()));
      }
      return Optional.of(new Found(head, claims, leases, Optional.empty()));
    }
  }

  static Room room(ResultSet row) throws SQLException {
    return new Room(
        (int) Math.min(Claims.BATCH_MAX, row.getLong("room")),
        List.of((String[]) row.getArray("lacking").getArray()),
        row.getBoolean("too_much"),
        row.getBoolean("spends"),
        PgClaims.span(row, "again_ms"));
  }

  private static Head head(ResultSet row) throws SQLException {
    return new Head(
        row.getInt("lane"),
        row.getString("type"),
        row.getBoolean("whole"),
        row.getLong("wanted"),
        row.getLong("ids"),
        row.getBoolean("pooled"),
        row.getLong("size"),
        row.getObject("due_at") == null
            ? Optional.empty()
            : Optional.of(Sql.instant(row, "due_at")));
  }

  private static Optional<Claim> claim(ResultSet row, Head head, UUID token) throws SQLException {
    long task = row.getLong("id");
    if (row.wasNull()) {
      return Optional.empty();
    }
    Counters counters = PgClaims.counters(row);
    return Optional.of(
        new Claim(
            task,
            head.type(),
            row.getString("params"),
            counters,
            policy(row),
            row.getLong("lease"),
            token,
            head.whole() && head.size() == 1 && counters.crashes() >= Decisions.CRASHES_ALONE,
            new Progress(row.getLong("begun"), row.getDouble("begun_fraction")),
            row.getInt("flags") | (head.pooled() ? Claim.POOLED : 0),
            limits(row)));
  }

  private static TimeLimits limits(ResultSet row) throws SQLException {
    Optional<Duration> attempt = PgClaims.span(row, "attempt_ms");
    Optional<Duration> start = PgClaims.span(row, "start_ms");
    Optional<Duration> end = PgClaims.span(row, "end_ms");
    return attempt.isEmpty() && start.isEmpty() && end.isEmpty()
        ? TimeLimits.NONE
        : new TimeLimits(start, attempt, end, row.getBoolean("by_deadline"));
  }

  /** The policy of the row; the default one if somebody has taken it away. */
  static RetryPolicy policy(ResultSet row) throws SQLException {
    @Nullable String backoff = row.getString("backoff");
    if (backoff == null) {
      return RetryPolicy.DEFAULT;
    }
    return new RetryPolicy(
        row.getString("policy"),
        row.getInt("retries"),
        PgRetryPolicies.backoff(backoff),
        Duration.ofMillis(row.getLong("first_delay_ms")),
        Duration.ofMillis(row.getLong("max_delay_ms")));
  }
}
