package dev.batchyard.store;

import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * The database answered and refused a statement: a bad value or a bug. Nothing of it was committed.
 */
public final class StatementFailed extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * What says nothing of the values or the rows but of the moment: lost races (40), a full disk or
   * memory (53), locks (55), an operator (57), files (58).
   */
  private static final Set<String> PASSING = Set.of("40", "53", "55", "57", "58");

  private final String sqlState;
  private final String cure;
  private final boolean noPartition;

  StatementFailed(SQLException cause) {
    super(cause.getMessage(), cause);
    sqlState = cause.getSQLState() == null ? "" : cause.getSQLState();
    cure = Refusal.explain(cause).orElse("");
    noPartition = sqlState.equals("23514") && !namesConstraint(cause);
  }

  /** {@return the five characters of the SQLSTATE; empty if there was none} */
  public String sqlState() {
    return sqlState;
  }

  /** {@return one line about what an operator can do: disk full, a right that is missing} */
  public Optional<String> cure() {
    return cure.isEmpty() ? Optional.empty() : Optional.of(cure);
  }

  /** {@return whether a value is to blame (class 22: data, class 23: constraints)} */
  boolean isBadValue() {
    return sqlState.startsWith("22") || sqlState.startsWith("23");
  }

  /** {@return whether the same statement may pass in a moment, with nothing changed but that} */
  boolean isPassing() {
    return PASSING.contains(sqlState.substring(0, Math.min(2, sqlState.length())));
  }

  /**
   * {@return whether there is no partition for a row} It has the code of a check that fails, which
   * alone names its constraint.
   */
  boolean isNoPartition() {
    return noPartition;
  }

  private static boolean namesConstraint(SQLException cause) {
    ServerErrorMessage told = cause instanceof PSQLException e ? e.getServerErrorMessage() : null;
    return told != null && told.getConstraint() != null;
  }
}
