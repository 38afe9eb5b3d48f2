package dev.batchyard.app.architecture.planted.tasks.data;

import java.sql.SQLException;
import javax.sql.DataSource;

final class Connects {
  private Connects() {}

  static boolean opens_a_connection(DataSource database) throws SQLException {
    try (var connection = database.getConnection()) {
      return connection.isReadOnly();
    }
  }

  static Class<?> knows_the_driver() {
    return org.postgresql.Driver.class;
  }
}
