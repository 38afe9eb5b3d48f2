package dev.batchyard.app.architecture.planted.web;

import java.sql.SQLException;
import javax.sql.DataSource;

final class Queries {
  private Queries() {}

  static DataSource keeps_a_data_source(DataSource database) {
    return database;
  }

  static boolean knows_sql_exceptions(Exception e) {
    return e instanceof SQLException;
  }

  static Class<?> knows_the_driver() {
    return org.postgresql.Driver.class;
  }
}
