package dev.batchyard.tasks.data.jdbc;

import java.util.List;

/**
 * Where rows are copied to.
 *
 * @param table the table
 * @param columns those that each row gives, in the row's order
 * @param createColumns {@code "name" type} of each column of a table to be made with the first
 *     chunk; empty if the table exists
 * @param deferrable whether constraints must be told to speak at once
 * @param before what must be done with a chunk before the next is sent
 */
public record CopyTarget(
    TableName table,
    List<String> columns,
    List<String> createColumns,
    boolean deferrable,
    Before before) {
  public CopyTarget {
    columns = List.copyOf(columns);
    createColumns = List.copyOf(createColumns);
  }

  String copySql() {
    return "copy %s (%s) from stdin"
        .formatted(
            table.quoted(), String.join(", ", columns.stream().map(TableName::quoted).toList()));
  }

  String createSql() {
    return "create table %s (%s)".formatted(table.quoted(), String.join(", ", createColumns));
  }
}
