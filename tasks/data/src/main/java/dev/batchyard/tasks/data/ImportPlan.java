package dev.batchyard.tasks.data;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.tasks.data.csv.CsvLayout;
import dev.batchyard.tasks.data.jdbc.Before;
import dev.batchyard.tasks.data.jdbc.CopyTarget;
import dev.batchyard.tasks.data.jdbc.TableName;
import dev.batchyard.tasks.data.jdbc.TargetTable;
import dev.batchyard.tasks.pipeline.Shown;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which field of the file goes to which column of the table, and of which type that is.
 *
 * @param target the table
 * @param columns one for each field
 * @param described the columns with their types, for the log
 */
record ImportPlan(CopyTarget target, List<RowEncoder.Column> columns, String described) {
  ImportPlan {
    columns = List.copyOf(columns);
  }

  /**
   * {@return the plan for a table that exists}
   *
   * @throws FinalFailure if a name is not a column's, twice there, or a required column is missing
   */
  static ImportPlan into(TargetTable table, CsvLayout layout) {
    Map<String, TargetTable.Column> chosen = new LinkedHashMap<>();
    List<RowEncoder.Column> columns = new ArrayList<>();
    for (String name : layout.names()) {
      TargetTable.Column column = find(table, name, layout);
      if (column.generated()) {
        throw new FinalFailure(
            "columns: %s of %s is computed by PostgreSQL and cannot be written; leave it out of the file"
                .formatted(column.name(), table.name()));
      }
      if (chosen.put(column.name(), column) != null) {
        throw twice(column.name(), layout);
      }
      columns.add(
          new RowEncoder.Column(
              column.name(), ColumnChecks.of(column.baseType()), column.notNull()));
    }
    requireAll(table, chosen, layout);
    CopyTarget target =
        new CopyTarget(
            table.name(),
            List.copyOf(chosen.keySet()),
            List.of(),
            table.deferrable(),
            before(table, chosen.keySet()));
    List<String> types = chosen.values().stream().map(c -> c.name() + " " + c.type()).toList();
    return new ImportPlan(target, columns, String.join(", ", types));
  }

  private static Before before(TargetTable table, Set<String> given) {
    if (table.dependent()) {
      return Before.COMMIT;
    }
    boolean numbered =
        table.columns().stream().anyMatch(c -> c.numbered() && !given.contains(c.name()));
    return numbered ? Before.ROWS : Before.NOTHING;
  }

  private static TargetTable.Column find(TargetTable table, String name, CsvLayout layout) {
    Optional<TargetTable.Column> exact =
        table.columns().stream().filter(c -> c.name().equals(name)).findFirst();
    if (exact.isPresent()) {
      return exact.get();
    }
    // as it is named in a table that an earlier attempt made
    Optional<TargetTable.Column> stripped =
        table.columns().stream().filter(c -> c.name().equals(name.strip())).findFirst();
    if (stripped.isPresent()) {
      return stripped.get();
    }
    List<TargetTable.Column> alike =
        table.columns().stream().filter(c -> c.name().equalsIgnoreCase(name.strip())).toList();
    if (alike.size() == 1) {
      return alike.getFirst();
    }
    List<String> known = table.columns().stream().map(TargetTable.Column::name).toList();
    throw new FinalFailure(
        "columns: %s of %s is not a column of %s, which has %s; rename it in the %s"
            .formatted(
                Shown.value(name),
                layout.file().path(),
                table.name(),
                Shown.names(known),
                layout.header() ? "header, or declare columns" : "declared columns"));
  }

  private static FinalFailure twice(String name, CsvLayout layout) {
    return new FinalFailure(
        "columns: %s is there twice in %s; give each column a name of its own, in the header or by columns"
            .formatted(Shown.value(name), layout.file().path()));
  }

  private static void requireAll(
      TargetTable table, Map<String, TargetTable.Column> chosen, CsvLayout layout) {
    for (TargetTable.Column column : table.columns()) {
      if (column.notNull()
          && !column.filled()
          && !column.generated()
          && !chosen.containsKey(column.name())) {
        throw new FinalFailure(
            "columns: %s of %s must have a value, but %s has no such column (it has %s); add it to the file, or give the column a default"
                .formatted(
                    column.name(),
                    table.name(),
                    layout.file().path(),
                    Shown.names(layout.names())));
      }
    }
  }

  /**
   * {@return the plan for a table that is to be made, with the names of the file}
   *
   * @param types declared ones, by name; the others are inferred from the layout's sample
   * @throws FinalFailure if a name cannot be a column's
   */
  static ImportPlan creating(
      TableName table, CsvLayout layout, Map<String, String> types, String nullText) {
    List<String> names = layout.names().stream().map(String::strip).toList();
    for (String declared : types.keySet()) {
      if (!names.contains(declared)) {
        throw new FinalFailure(
            "types: %s is not a column of %s, which has %s; take it out or correct it"
                .formatted(Shown.value(declared), layout.file().path(), Shown.names(names)));
      }
    }
    List<RowEncoder.Column> columns = new ArrayList<>();
    List<String> definitions = new ArrayList<>();
    List<String> described = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      requireName(name, i, layout);
      if (names.subList(0, i).contains(name)) {
        throw twice(name, layout);
      }
      String declared = types.get(name);
      String type = declared == null ? TypeInference.of(layout.sample(), i, nullText) : declared;
      columns.add(new RowEncoder.Column(name, ColumnChecks.of(type), false));
      definitions.add(TableName.quoted(name) + " " + type);
      described.add(name + " " + type + (declared == null ? "" : " (declared)"));
    }
    CopyTarget target = new CopyTarget(table, names, definitions, false, Before.NOTHING);
    return new ImportPlan(target, columns, String.join(", ", described));
  }

  private static void requireName(String name, int at, CsvLayout layout) {
    TableName.nameProblem(name)
        .ifPresent(problem -> {
          throw new FinalFailure(
              "columns: column %d %s of %s cannot be made: %s; rename it in the header, or declare columns"
                  .formatted(at + 1, Shown.value(name), layout.file().path(), problem));
        });
  }
}
