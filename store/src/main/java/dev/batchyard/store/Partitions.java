package dev.batchyard.store;

import java.sql.Connection;
import java.sql.SQLException;

/** Adds partitions to tables that are in use. */
final class Partitions {

  private Partitions() {}

  /** Makes a table like this one. */
  static void make(Connection connection, String table, String name) throws SQLException {
    Sql.run(
        connection,
        """
        create table %s (like %s including defaults including constraints including indexes)
        """
            .formatted(name, table));
  }

  /** Attaches it. Created in place it would lock the whole table against reading. */
  static void attach(Connection connection, String table, String name, String from, String to)
      throws SQLException {
    Sql.run(
        connection,
        """
        alter table %s attach partition %s for values from (%s) to (%s)
        """
            .formatted(table, name, from, to));
  }
}
