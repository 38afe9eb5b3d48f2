package dev.batchyard.app.cli;

import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.port.NodeViews.HeldTask;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import java.time.ZoneId;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** Nodes for people and machines. */
final class NodeWords {

  private static final int LABEL_CELLS = 40;
  private static final long GIB_MIB = 1_024;

  private final Show show;

  NodeWords(ZoneId zone) {
    this.show = new Show(zone);
  }

  String table(List<NodeRow> nodes) {
    Table table =
        new Table(
            "node",
            "state",
            "load",
            "cpu",
            "memory",
            "disk",
            "running",
            "has",
            "queues",
            "last beat",
            "labels");
    for (NodeRow node : nodes) {
      table.add(
          node.name(),
          state(node),
          node.load().map(NodeWords::percent).orElse("-"),
          share(node, MachineUse::cpu),
          share(node, MachineUse::memory),
          share(node, MachineUse::disk),
          "%d of %d".formatted(node.active(), node.slots()),
          capacity(node.traits().capacity()),
          Table.cut(listed(node.traits().queues(), "all"), LABEL_CELLS),
          show.at(node.lastBeat()),
          Table.cut(listed(node.traits().labels(), "-"), LABEL_CELLS));
    }
    return table.text();
  }

  private static String state(NodeRow node) {
    return !node.alive()
        ? "gone"
        : node.cordon().map(cordon -> cordon.drains() ? "drains" : "cordoned").orElse("alive");
  }

  /** {@return who keeps a node from claiming, and what it still holds} */
  String held(NodeRow node, List<HeldTask> tasks) {
    StringBuilder text = new StringBuilder();
    node.cordon()
        .ifPresent(cordon ->
            text.append(
                "cordoned by %s since %s%s; './batchyard node %s --uncordon' lets it claim again\n"
                    .formatted(
                        cordon.by(),
                        show.at(cordon.at()),
                        cordon.ends()
                            ? ", to end when it holds nothing"
                            : cordon.drains() ? ", and hands over at checkpoints" : "",
                        node.name())));
    if (tasks.isEmpty()) {
      return text.append("it holds no task").toString();
    }
    Table table = new Table("holds", "type", "since", "done");
    for (HeldTask task : tasks) {
      table.add(
          "task " + task.task(),
          task.type(),
          show.at(task.claimed()),
          task.fraction().map(done -> "%.1f %%".formatted(100 * done)).orElse("-"));
    }
    text.append(table.text());
    if (node.running() > tasks.size()) {
      text.append("\n%d of %,d".formatted(tasks.size(), node.running()));
    }
    return text.toString();
  }

  private static String listed(Collection<String> words, String none) {
    return words.isEmpty() ? none : String.join(",", words);
  }

  private static String share(NodeRow node, ToDoubleFunction<MachineUse> part) {
    return node.use().map(use -> percent(part.applyAsDouble(use))).orElse("-");
  }

  private static String percent(double share) {
    return "%.0f %%".formatted(100 * share);
  }

  private static String capacity(Capacity capacity) {
    return capacity.equals(Capacity.UNKNOWN)
        ? "-"
        : "%d cores, %s, %s"
            .formatted(capacity.cores(), size(capacity.memoryMib()), size(capacity.diskMib()));
  }

  private static String size(long mib) {
    return mib < 10 * GIB_MIB ? "%,d MiB".formatted(mib) : "%,d GiB".formatted(mib / GIB_MIB);
  }

  /** {@return a node as --json has it} */
  static Map<String, Object> document(NodeRow node) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("name", node.name());
    document.put("boot", node.boot());
    document.put("alive", node.alive());
    document.put("fencedWhy", node.fencedWhy());
    document.put("host", node.host());
    document.put("pid", node.pid());
    document.put("version", node.version());
    document.put("slots", node.slots());
    document.put("freeSlots", node.freeSlots());
    document.put("running", node.active());
    document.put("held", node.running());
    document.put("load", node.load());
    document.put("cpu", part(node, MachineUse::cpu));
    document.put("memory", part(node, MachineUse::memory));
    document.put("disk", part(node, MachineUse::disk));
    document.put("cores", node.traits().capacity().cores());
    document.put("memoryMib", node.traits().capacity().memoryMib());
    document.put("diskMib", node.traits().capacity().diskMib());
    document.put("labels", node.traits().labels());
    document.put("queues", node.traits().queues());
    document.put("cordon", node.cordon());
    document.put("refused", node.refused());
    document.put("started", node.started());
    document.put("lastBeat", node.lastBeat());
    return document;
  }

  private static Optional<Double> part(NodeRow node, ToDoubleFunction<MachineUse> part) {
    return node.use().map(part::applyAsDouble);
  }
}
