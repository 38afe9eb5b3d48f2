package dev.batchyard.tasks.data.jdbc;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.tasks.pipeline.Shown;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Says what an error of the target database means and what helps. */
final class CopyFailures {
  private static final String WHERE =
      """
      select current_user,
             current_database(),
             coalesce(s.spcname, 'pg_default') as tablespace,
             pg_tablespace_location(coalesce(s.oid, 0)) as location
        from (select coalesce(nullif(c.reltablespace, 0), d.dattablespace) as oid
                from pg_database d
                left join pg_class c
                  on c.relname = ? and c.relnamespace = to_regnamespace(quote_ident(?))
               where d.datname = current_database()) as t
        left join pg_tablespace s on s.oid = t.oid
      """;

  /** Told under several states, 42501 (read-only) and XX000 (too large) among them. */
  private static final Pattern FILE_FAILED =
      Pattern.compile("could not (extend|write|create|open|fsync|truncate) .*(file|block)");

  private static final Pattern SEQUENCE = Pattern.compile("permission denied for sequence (.+)$");

  private static final int SAID_CHARS_MAX = 500;

  private CopyFailures() {}

  /**
   * What to know about the target before anything fails: afterwards the connection may not answer.
   *
   * @param role that Batchyard works as
   * @param database it works in
   * @param tablespace where the table's rows lie, with its folder if it has one of its own
   */
  record Place(String role, String database, String tablespace) {

    static Place of(Connection connection, TableName table) throws SQLException {
      try (PreparedStatement statement = connection.prepareStatement(WHERE)) {
        statement.setString(1, table.name());
        statement.setString(2, table.schema());
        try (ResultSet row = statement.executeQuery()) {
          if (!row.next()) {
            throw new SQLException("the current database is not in pg_database");
          }
          String location = row.getString("location");
          String tablespace = row.getString("tablespace");
          return new Place(
              row.getString(1),
              row.getString(2),
              location == null || location.isEmpty()
                  ? tablespace
                  : tablespace + " (" + location + ")");
        }
      }
    }
  }

  /** {@return the failure of a chunk, told so that a person knows what to do} */
  static Exception explained(SQLException e, TableName table, Place place) {
    String state = String.valueOf(e.getSQLState());
    String said = firstLine(e);
    if (FILE_FAILED.matcher(said).find()) {
      return noRoom(e, table, place, said);
    }
    return switch (state) {
      case "42501" -> refusedRight(place.role(), table, said, e);
      case "42P01", "3F000" ->
          new FinalFailure(
              "table: %s, or what its triggers need, does not exist any more (%s); make it again, then rerun the task: it goes on where it stopped"
                  .formatted(table, said),
              e);
      case "42703" ->
          new FinalFailure(
              "table: %s has changed while rows went in (%s); change it back and rerun the task: it goes on where it stopped. Or submit anew"
                  .formatted(table, said),
              e);
      case "42704", "42601" ->
          new FinalFailure(
              "types: %s; give types that PostgreSQL knows, such as bigint or text, then submit anew"
                  .formatted(said),
              e);
      case "42701" ->
          new FinalFailure(
              "columns: %s cannot be made (%s); rename the column in the header, or declare columns, then submit anew"
                  .formatted(table, said),
              e);
      case "25006" ->
          new SQLException( // a primary that was demoted may be one again
              "table: %s cannot be written: database %s is read-only (%s); make it writable, or connect to the primary server; the next attempt goes on where it stopped, and so does a rerun"
                  .formatted(table, place.database(), said),
              e.getSQLState(),
              e);
      case "53100", "58030" -> noRoom(e, table, place, said);
      case "55P03" ->
          new SQLException(
              "table: %s is locked by another session for longer than the import waits (%s); see pg_stat_activity; the next attempt goes on where it stopped, and so does a rerun"
                  .formatted(table, said),
              e.getSQLState(),
              e);
      // made by another session since we looked: the next attempt finds it
      case "42P07", "42710" -> e;
      default ->
          state.startsWith("42") || state.startsWith("0A") || state.startsWith("54")
              ? new FinalFailure(
                  "table: %s cannot take rows by COPY (%s); mend what that names, then rerun the task: it goes on where it stopped"
                      .formatted(table, said),
                  e)
              : e;
    };
  }

  private static SQLException noRoom(SQLException e, TableName table, Place place, String said) {
    return new SQLException(
        "table: %s: no room on the disk of tablespace %s (%s); free space there; the next attempt goes on where it stopped, and so does a rerun"
            .formatted(table, place.tablespace(), said),
        e.getSQLState(),
        e);
  }

  private static FinalFailure refusedRight(
      String role, TableName table, String said, SQLException e) {
    Matcher sequence = SEQUENCE.matcher(said);
    if (sequence.find()) {
      return new FinalFailure(
          "table: role %s may not use the sequence that fills a column of %s (%s); run: grant usage on sequence %s.%s to %s; then rerun the task: it goes on where it stopped"
              .formatted(
                  role,
                  table,
                  said,
                  TableName.quoted(table.schema()),
                  TableName.quoted(sequence.group(1)),
                  TableName.quoted(role)),
          e);
    }
    return said.contains("row-level security")
        ? new FinalFailure(
            "table: the row security of %s refuses rows of role %s (%s); give that role a policy for them, or bypassrls, then rerun the task: it goes on where it stopped"
                .formatted(table, role, said),
            e)
        : missingRight(role, table, said, e);
  }

  static FinalFailure missingRight(Connection connection, TableName table, boolean mayInsert)
      throws SQLException {
    Place place = Place.of(connection, table);
    return mayInsert
        ? schemaRight(place.role(), table, "usage")
        : missingRight(place.role(), table, "no right to insert", null);
  }

  static FinalFailure missingSchemaRight(Connection connection, TableName table)
      throws SQLException {
    return schemaRight(Place.of(connection, table).role(), table, "create");
  }

  private static FinalFailure schemaRight(String role, TableName table, String right) {
    return new FinalFailure(
        "table: role %s has no right to %s in schema %s, so %s is out of reach; run: grant %s on schema %s to %s; then rerun the task: it goes on where it stopped"
            .formatted(
                role,
                right,
                table.schema(),
                table,
                right,
                TableName.quoted(table.schema()),
                TableName.quoted(role)));
  }

  private static FinalFailure missingRight(
      String role, TableName table, String said, @Nullable SQLException e) {
    String message =
        "table: role %s may not write to %s (%s); run: grant insert on %s to %s; then rerun the task: it goes on where it stopped"
            .formatted(role, table, said, table.quoted(), TableName.quoted(role));
    return e == null ? new FinalFailure(message) : new FinalFailure(message, e);
  }

  private static String firstLine(SQLException e) {
    String first = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    return Shown.cut(first, SAID_CHARS_MAX);
  }
}
