package dev.batchyard.app.architecture.planted.store;

import java.sql.Connection;
import java.sql.SQLException;

public final class Rows {
  private Rows() {}

  public static boolean open(Connection connection) throws SQLException {
    return !connection.isClosed();
  }
}
