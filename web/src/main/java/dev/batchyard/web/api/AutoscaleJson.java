package dev.batchyard.web.api;

import dev.batchyard.engine.port.Demands.Demand;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What work there is and how many nodes it asks for, for programs. */
public final class AutoscaleJson {

  private AutoscaleJson() {}

  /** {@return all of it, and its groups} */
  public static Map<String, Object> document(Demand all, List<Demand> groups) {
    Map<String, Object> document = document(all);
    document.put("groups", groups.stream().map(AutoscaleJson::group).toList());
    return document;
  }

  private static Map<String, Object> group(Demand group) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("queue", group.queue());
    document.put("requires", group.requires());
    document.putAll(document(group));
    return document;
  }

  /** {@return the figures of one group} */
  static Map<String, Object> document(Demand demand) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("desiredNodes", demand.desiredNodes());
    document.put("waiting", demand.waiting());
    document.put("held", demand.held());
    document.put("oldestSeconds", demand.oldest().toSeconds());
    document.put("running", demand.running());
    document.put("nodes", demand.nodes());
    document.put("slots", demand.slots());
    return document;
  }
}
