package dev.batchyard.tasks.data.jdbc;

import dev.batchyard.api.FinalFailure;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * What the catalogue says about a table that exists.
 *
 * @param name of the table
 * @param columns in their order
 * @param deferrable whether a constraint or trigger would only speak at COMMIT
 * @param dependent whether writing a row may look at rows that came before it: the table refers to
 *     itself, it or a partition of it has a trigger of its own, a default or check calls a function
 *     that is neither immutable nor PostgreSQL's or an extension's, or one of its sequences hands
 *     out numbers to each connection by the dozen
 */
public record TargetTable(
    TableName name, List<Column> columns, boolean deferrable, boolean dependent) {
  public TargetTable {
    columns = List.copyOf(columns);
  }

  /**
   * A column.
   *
   * @param name as it is
   * @param type as format_type gives it
   * @param baseType the same, of what a domain is made of; else equal to {@code type}
   * @param notNull whether it refuses null
   * @param filled whether it has a value when the file gives none: default or identity
   * @param numbered whether a sequence fills it when the file gives no value
   * @param generated whether it is computed and cannot be written
   */
  public record Column(
      String name,
      String type,
      String baseType,
      boolean notNull,
      boolean filled,
      boolean numbered,
      boolean generated) {}

  private static final String TABLE =
      """
      select c.oid, c.relkind,
             has_table_privilege(c.oid, 'insert')
               or has_any_column_privilege(c.oid, 'insert') as may_insert,
             exists (select from pg_constraint where conrelid = c.oid and condeferred)
               or exists (select from pg_trigger where tgrelid = c.oid and tginitdeferred)
               as deferrable,
             exists (select from pg_constraint
                      where contype = 'f' and conrelid = c.oid and confrelid = c.oid)
               or exists (select from pg_trigger
                           where not tgisinternal
                             and (tgrelid = c.oid
                                  or tgrelid in (select relid from pg_partition_tree(c.oid))))
               or exists (select from pg_depend d
                            join pg_proc p on p.oid = d.refobjid and p.provolatile <> 'i'
                           where d.refclassid = 'pg_proc'::regclass
                             and (d.classid, d.objid) in (
                                   select 'pg_attrdef'::regclass, oid from pg_attrdef
                                    where adrelid = c.oid
                                   union all
                                   select 'pg_constraint'::regclass, oid from pg_constraint
                                    where conrelid = c.oid)
                             and not exists (select from pg_depend e
                                              where e.classid = 'pg_proc'::regclass
                                                and e.objid = p.oid and e.deptype = 'e'))
               or exists (select from pg_depend d
                            join pg_sequence q on q.seqrelid = d.objid and q.seqcache > 1
                           where d.classid = 'pg_class'::regclass
                             and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid)
               as dependent
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = ? and c.relname = ? and c.relkind not in ('i', 'I', 'S', 'c', 't')
      """;

  private static final String COLUMNS =
      """
      with recursive base (num, type, typmod, depth) as (
        select attnum, atttypid, atttypmod, 0
          from pg_attribute
         where attrelid = ?::oid and attnum > 0 and not attisdropped
        union all
        select b.num, t.typbasetype, t.typtypmod, b.depth + 1
          from base b
          join pg_type t on t.oid = b.type
         where t.typtype = 'd')
      select a.attname,
             format_type(a.atttypid, a.atttypmod) as type,
             (select format_type(b.type, b.typmod)
                from base b where b.num = a.attnum order by b.depth desc limit 1) as base_type,
             a.attnotnull or t.typnotnull as not_null,
             a.atthasdef or a.attidentity <> '' or t.typdefault is not null as filled,
             a.attidentity <> ''
               or coalesce(pg_get_expr(d.adbin, d.adrelid) like '%nextval(%', false) as numbered,
             a.attgenerated <> '' as generated
        from pg_attribute a
        join pg_type t on t.oid = a.atttypid
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
       where a.attrelid = ?::oid and a.attnum > 0 and not a.attisdropped
       order by a.attnum
      """;

  private static final String NEIGHBOURS =
      """
      select string_agg(name, ', ')
        from (select n.nspname || '.' || c.relname as name
                from pg_class c
                join pg_namespace n on n.oid = c.relnamespace
               where c.relkind in ('r', 'p') and not c.relispartition
                 and n.nspname not in ('batchyard', 'information_schema') and n.nspname !~ '^pg_'
               order by n.nspname <> ?, lower(c.relname) <> lower(?), 1
               limit 10) as near
      """;

  private static final String SCHEMA =
      """
      select has_schema_privilege(oid, 'usage'), has_schema_privilege(oid, 'create')
        from pg_namespace where nspname = ?
      """;

  /**
   * {@return the table, or empty if it is missing and may be made}
   *
   * @param create whether a missing table is to be made
   * @throws FinalFailure if it is no table, may not be written to, or is missing and cannot or
   *     shall not be made
   */
  public static Optional<TargetTable> choose(DataSource database, TableName name, boolean create)
      throws SQLException {
    try (Connection connection = database.getConnection()) {
      Optional<TargetTable> table = find(connection, name);
      if (table.isPresent()) {
        return table;
      }
      if (!create) {
        throw missing(connection, name);
      }
      requireMayCreate(connection, name);
      return Optional.empty();
    }
  }

  /**
   * {@return the table, or empty if there is none yet}
   *
   * @throws FinalFailure if it is no table or may not be written to
   */
  private static Optional<TargetTable> find(Connection connection, TableName name)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(TABLE)) {
      statement.setString(1, name.schema());
      statement.setString(2, name.name());
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        requireTable(name, row.getString("relkind"));
        long oid = row.getLong("oid");
        boolean deferrable = row.getBoolean("deferrable");
        boolean mayInsert = row.getBoolean("may_insert");
        if (!mayInsert || !schemaRight(connection, name, false)) {
          throw CopyFailures.missingRight(connection, name, mayInsert);
        }
        boolean dependent = row.getBoolean("dependent");
        return Optional.of(new TargetTable(name, columns(connection, oid), deferrable, dependent));
      }
    }
  }

  private static void requireTable(TableName name, String kind) {
    String what =
        switch (kind) {
          case "r", "p" -> "";
          case "v" -> "a view";
          case "m" -> "a materialised view";
          case "f" -> "a foreign table";
          default -> "not a table";
        };
    if (!what.isEmpty()) {
      throw new FinalFailure("table: %s is %s; name a table".formatted(name, what));
    }
  }

  private static List<Column> columns(Connection connection, long oid) throws SQLException {
    List<Column> columns = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(COLUMNS)) {
      statement.setLong(1, oid);
      statement.setLong(2, oid);
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          columns.add(
              new Column(
                  row.getString("attname"),
                  row.getString("type"),
                  row.getString("base_type"),
                  row.getBoolean("not_null"),
                  row.getBoolean("filled"),
                  row.getBoolean("numbered"),
                  row.getBoolean("generated")));
        }
      }
    }
    return columns;
  }

  /**
   * {@return what to tell when the table is missing} It names tables that are there.
   *
   * @throws FinalFailure always
   */
  private static FinalFailure missing(Connection connection, TableName name) throws SQLException {
    var _ = schemaRight(connection, name, false); // a missing schema is told first
    try (PreparedStatement statement = connection.prepareStatement(NEIGHBOURS)) {
      statement.setString(1, name.schema());
      statement.setString(2, name.name());
      try (ResultSet row = statement.executeQuery()) {
        String near = row.next() ? row.getString(1) : null;
        return new FinalFailure(
            "table: %s does not exist; %s. Give an existing table, or create=true to make it"
                .formatted(name, near == null ? "there are no tables yet" : "there are " + near));
      }
    }
  }

  /**
   * Makes sure that a table can be made.
   *
   * @throws FinalFailure if the schema is missing or may not be added to
   */
  private static void requireMayCreate(Connection connection, TableName name) throws SQLException {
    if (!schemaRight(connection, name, true)) {
      throw CopyFailures.missingSchemaRight(connection, name);
    }
  }

  private static boolean schemaRight(Connection connection, TableName name, boolean create)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(SCHEMA)) {
      statement.setString(1, name.schema());
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          throw new FinalFailure(
              "table: schema %s of %s does not exist; run: create schema %s; then rerun the task"
                  .formatted(name.schema(), name, TableName.quoted(name.schema())));
        }
        return row.getBoolean(create ? 2 : 1);
      }
    }
  }
}
