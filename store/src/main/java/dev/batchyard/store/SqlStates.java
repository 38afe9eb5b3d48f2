package dev.batchyard.store;

import dev.batchyard.engine.port.StoreUnavailable;
import java.sql.SQLException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the codes of PostgreSQL mean for us (appendix A of its manual). */
final class SqlStates {

  private static final Set<String> LOST_RACE = Set.of("40001", "40P01");

  /**
   * Shut down, crashed, starting (57P01 to 57P03), idle session ended (57P05), no connection left,
   * idle or whole transaction ended (25P03, 25P04), in recovery (25006), time limit (57014).
   */
  private static final Set<String> AWAY =
      Set.of(
          "57P01", "57P02", "57P03", "57P05", "53300", "25P03", "25P04", "25006", "57014", "55P03");

  /**
   * Of {@link #AWAY}, what says so of the whole database and not of one statement or connection.
   */
  private static final Set<String> DOWN = Set.of("57P01", "57P02", "57P03");

  /** Nobody wraps deeper; ends a ring of causes. */
  private static final int CAUSES_MAX = 50;

  private SqlStates() {}

  /** {@return whether it was rolled back only because others were faster} */
  static boolean lostRace(SQLException e) {
    return LOST_RACE.contains(state(e));
  }

  /** {@return whether the store is away, or its answer is} */
  static boolean away(SQLException e) {
    return e instanceof SQLTransientConnectionException
        || state(e).startsWith("08")
        || AWAY.contains(state(e));
  }

  /** {@return whether a handler's exception, or a cause of it, says that a database was away} */
  static boolean sayAway(Throwable thrown) {
    @Nullable Throwable each = thrown;
    for (int i = 0; each != null && i < CAUSES_MAX; i++) {
      if (each instanceof SQLException e
          && (e instanceof SQLTransientConnectionException
              || e instanceof SQLRecoverableException
              || state(e).startsWith("08")
              || DOWN.contains(state(e)))) {
        return true;
      }
      each = each.getCause();
    }
    return false;
  }

  /** {@return whether all that failed was to get a lock within {@code lock_timeout}} */
  static boolean lockTimedOut(StoreUnavailable e) {
    return e.getCause() instanceof SQLException cause && state(cause).equals("55P03");
  }

  /** {@return whether a statement was given up because it took longer than it may} */
  static boolean gaveUp(StoreUnavailable e) {
    return e.getCause() instanceof SQLException cause && state(cause).equals("57014");
  }

  /** {@return what callers of the ports see} */
  static RuntimeException translate(SQLException e) {
    return away(e)
        ? new StoreUnavailable(Refusal.explain(e).orElse(String.valueOf(e.getMessage())), e)
        : new StatementFailed(e);
  }

  private static String state(SQLException e) {
    return e.getSQLState() == null ? "" : e.getSQLState();
  }
}
