package dev.batchyard.store;

import java.sql.Connection;
import java.sql.SQLException;

/** Opens connections that belong to no pool. */
@FunctionalInterface
public interface SessionSource {

  /** {@return a new connection, which the caller closes} */
  Connection open() throws SQLException;
}
