package dev.batchyard.store;

import java.sql.SQLException;
import java.util.Optional;

/**
 * The database answered and refused a statement: a bad value or a bug. Nothing of it was committed.
 */
public final class StatementFailed extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String sqlState;
  private final String cure;

  StatementFailed(SQLException cause) {
    super(cause.getMessage(), cause);
    sqlState = cause.getSQLState() == null ? "" : cause.getSQLState();
    cure = Refusal.explain(cause).orElse("");
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
}
