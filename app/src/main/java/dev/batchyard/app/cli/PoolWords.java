package dev.batchyard.app.cli;

import dev.batchyard.api.NewTask;
import dev.batchyard.engine.port.Pools.Holder;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.Pools.PoolRow;
import dev.batchyard.engine.port.TaskViews.PoolUse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Pools as people and machines read them, and as they are named for a task. */
final class PoolWords {

  private static final int LABEL_CELLS = 40;

  private final Show show;

  PoolWords(Show show) {
    this.show = show;
  }

  /** {@return such as 5 slots, 60 per 1m, 2,000 per 1d, 2,000 in all} */
  static String size(Pool pool) {
    return quantity(pool) + pool.type().map(" for all of type %s"::formatted).orElse("");
  }

  private static String quantity(Pool pool) {
    String units = "%,d".formatted(pool.capacity());
    return switch (pool.kind()) {
      case SLOTS ->
          units + (pool.capacity() == 1 ? " slot" : " slots") + (pool.perKey() ? " per key" : "");
      case RATE -> "%s starts per %s".formatted(units, Spans.text(pool.period().orElseThrow()));
      case BUDGET ->
          units
              + pool.period()
                  .map(period -> " to spend per " + Spans.text(period))
                  .orElse(" to spend until refilled");
    };
  }

  String table(List<PoolRow> rows) {
    Table table = new Table("pool", "has", "used", "waiting", "later", "set", "");
    for (PoolRow row : rows) {
      table.add(
          row.pool().name(),
          size(row.pool()),
          "%,d".formatted(row.used()),
          "%,d".formatted(row.waiting()),
          "%,d".formatted(row.later()),
          "by %s, %s".formatted(row.setBy(), show.at(row.setAt())),
          remark(row));
    }
    return table.text();
  }

  private String remark(PoolRow row) {
    if (row.now() < row.pool().capacity()) {
      return "slowed down, %,d now%s"
          .formatted(
              row.now(), row.again().map(at -> "; grows from " + show.at(at) + " on").orElse(""));
    }
    return row.again().map(at -> "anew at " + show.at(at)).orElse("");
  }

  String holders(List<Holder> holders) {
    if (holders.isEmpty()) {
      return "no task that runs uses it";
    }
    Table table = new Table("task", "type", "units", "node", "since", "label");
    for (Holder holder : holders) {
      table.add(
          String.valueOf(holder.task()),
          holder.type(),
          "%,d".formatted(holder.units()),
          holder.node(),
          show.at(holder.since()),
          Table.cut(holder.label(), LABEL_CELLS));
    }
    return table.text();
  }

  /** {@return a pool for a machine} */
  static Map<String, Object> document(PoolRow row, List<Holder> holders) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("name", row.pool().name());
    document.put("kind", row.pool().kind().word());
    document.put("capacity", row.pool().capacity());
    row.pool().period().map(Duration::toMillis).ifPresent(ms -> document.put("periodMs", ms));
    document.put("perKey", row.pool().perKey());
    row.pool().type().ifPresent(type -> document.put("type", type));
    document.put("now", row.now());
    document.put("used", row.used());
    document.put("waiting", row.waiting());
    document.put("later", row.later());
    row.again().ifPresent(at -> document.put("again", at));
    document.put("setBy", row.setBy());
    document.put("setAt", row.setAt());
    if (!holders.isEmpty()) {
      document.put("holders", holders);
    }
    return document;
  }

  /**
   * {@return the task with the pools that a person names, each as {@code NAME} or {@code
   * NAME=UNITS}}
   *
   * @throws IllegalArgumentException beginning with {@code pool:}
   */
  static NewTask use(NewTask task, List<String> named) {
    Map<String, Integer> pools = new LinkedHashMap<>();
    for (String each : named) {
      int equals = each.lastIndexOf('=');
      String name = equals < 0 ? each : each.substring(0, equals);
      if (pools.put(name, equals < 0 ? 1 : units(each, each.substring(equals + 1))) != null) {
        throw new IllegalArgumentException(
            "pool: '%s' is named twice; name it once".formatted(name));
      }
    }
    try {
      return task.withPools(pools);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          String.valueOf(e.getMessage()).replaceFirst("^pools:", "pool:"), e);
    }
  }

  private static int units(String named, String units) {
    try {
      return Integer.parseInt(units.strip());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "pool: '%s' must be a name, or a name, = and a whole number from 1 to %d, such as llm=4"
              .formatted(named, NewTask.UNITS_MAX),
          e);
    }
  }

  /** {@return such as db, llm=4} */
  static String used(List<PoolUse> pools) {
    return pools.stream()
        .map(use -> use.units() == 1 ? use.pool() : use.pool() + "=" + use.units())
        .collect(Collectors.joining(", "));
  }
}
