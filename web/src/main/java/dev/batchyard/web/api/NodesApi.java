package dev.batchyard.web.api;

import dev.batchyard.engine.port.Cordons;
import dev.batchyard.engine.port.Cordons.Change;
import dev.batchyard.engine.port.NodeViews;
import dev.batchyard.engine.port.NodeViews.Cordoned;
import dev.batchyard.engine.port.NodeViews.HeldTask;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import tools.jackson.core.JsonGenerator;

/**
 * Shows nodes to programs, and cordons, drains and uncordons them: GET lists them, or shows the one
 * that {@code ?name=} says with the tasks that it holds; POST changes that one as {@code &do=} says
 * and shows it.
 */
@Controller
public final class NodesApi {

  /** Where it is. */
  public static final String PATH = "/api/nodes";

  private static final String BY = "api";

  private final NodeViews nodes;
  private final Cordons cordons;

  /** Shows and changes these nodes. */
  public NodesApi(NodeViews nodes, Cordons cordons) {
    this.nodes = nodes;
    this.cordons = cordons;
  }

  @GetMapping(PATH)
  void get(
      HttpServletResponse response, @RequestParam(name = "name", defaultValue = "") String name)
      throws IOException {
    Answers.guarded(
        response,
        () -> {
          if (!name.isEmpty()) {
            show(response, name);
            return;
          }
          List<NodeRow> rows = nodes.nodes();
          Answers.write(
              response,
              json -> {
                json.writeStartArray();
                for (NodeRow row : rows) {
                  json.writeStartObject();
                  write(json, row);
                  json.writeEndObject();
                }
                json.writeEndArray();
              });
        });
  }

  @PostMapping(PATH)
  void change(
      HttpServletResponse response,
      @RequestParam(name = "name", defaultValue = "") String name,
      @RequestParam(name = "do", defaultValue = "") String wish,
      @RequestParam(name = "end", defaultValue = "false") String end)
      throws IOException {
    Answers.guarded(
        response,
        () -> {
          if (change(name, wish, ends(end, wish)) == Change.NOT_FOUND) {
            missing(response, name);
          } else {
            show(response, name);
          }
        });
  }

  private Change change(String name, String wish, boolean ends) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("name: is missing; say which node, as in ?name=host-1");
    }
    return switch (wish) {
      case "cordon" -> cordons.cordon(name, BY);
      case "drain" -> cordons.drain(name, ends, BY);
      case "uncordon" -> cordons.uncordon(name);
      default ->
          throw new IllegalArgumentException(
              "do: '%s' does not fit: it must be cordon, drain or uncordon".formatted(wish));
    };
  }

  private static boolean ends(String end, String wish) {
    if (!end.equals("true") && !end.equals("false")) {
      throw new IllegalArgumentException(
          "end: '%s' does not fit: it must be true or false".formatted(end));
    }
    boolean ends = end.equals("true");
    if (ends && !wish.equals("drain")) {
      throw new IllegalArgumentException("end: goes with do=drain; give both, or leave it out");
    }
    return ends;
  }

  private void show(HttpServletResponse response, String name) throws IOException {
    List<NodeRow> rows = nodes.nodes().stream().filter(row -> row.name().equals(name)).toList();
    if (rows.isEmpty()) {
      missing(response, name);
      return;
    }
    NodeRow node = rows.stream().filter(NodeRow::alive).findFirst().orElse(rows.getLast());
    List<HeldTask> held = nodes.held(name);
    Answers.write(
        response,
        json -> {
          json.writeStartObject();
          write(json, node);
          json.writeArrayPropertyStart("tasks");
          for (HeldTask task : held) {
            json.writeStartObject();
            json.writeNumberProperty("task", task.task());
            json.writeStringProperty("type", task.type());
            json.writeStringProperty("claimed", task.claimed().toString());
            task.fraction().ifPresent(done -> json.writeNumberProperty("fraction", done));
            json.writeEndObject();
          }
          json.writeEndArray();
          json.writeEndObject();
        });
  }

  private static void missing(HttpServletResponse response, String name) throws IOException {
    ProblemJson.write(
        response,
        HttpServletResponse.SC_NOT_FOUND,
        "node '%s': none of this name lives, or ended within the last hour; GET %s lists them"
            .formatted(name, PATH));
  }

  private static void write(JsonGenerator json, NodeRow row) {
    json.writeStringProperty("name", row.name());
    json.writeStringProperty("boot", row.boot().toString());
    json.writeBooleanProperty("alive", row.alive());
    json.writeStringProperty("fencedWhy", row.fencedWhy());
    json.writeStringProperty("host", row.host());
    json.writeNumberProperty("pid", row.pid());
    json.writeStringProperty("version", row.version());
    json.writeNumberProperty("slots", row.slots());
    json.writeNumberProperty("freeSlots", row.freeSlots());
    json.writeNumberProperty("running", row.active());
    json.writeNumberProperty("held", row.running());
    row.load().ifPresent(load -> json.writeNumberProperty("load", load));
    words(json, "labels", row.traits().labels());
    words(json, "queues", row.traits().queues());
    row.cordon().ifPresent(cordon -> write(json, cordon));
    json.writeStringProperty("started", row.started().toString());
    json.writeStringProperty("lastBeat", row.lastBeat().toString());
  }

  private static void words(JsonGenerator json, String name, Iterable<String> words) {
    json.writeArrayPropertyStart(name);
    words.forEach(json::writeString);
    json.writeEndArray();
  }

  private static void write(JsonGenerator json, Cordoned cordon) {
    json.writeObjectPropertyStart("cordon");
    json.writeStringProperty("by", cordon.by());
    json.writeStringProperty("at", cordon.at().toString());
    json.writeBooleanProperty("drains", cordon.drains());
    json.writeBooleanProperty("ends", cordon.ends());
    json.writeEndObject();
  }
}
