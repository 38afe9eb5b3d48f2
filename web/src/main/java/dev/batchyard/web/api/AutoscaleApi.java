package dev.batchyard.web.api;

import dev.batchyard.engine.port.Demands;
import dev.batchyard.engine.port.Demands.Demand;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import tools.jackson.core.JsonGenerator;

/**
 * Tells programs that start and stop nodes what work there is: {@code desiredNodes} and the figures
 * behind it, of all, with all groups; or of the group that {@code ?queue=} and {@code &requires=}
 * say.
 */
@Controller
public final class AutoscaleApi {

  /** Where it is. */
  public static final String PATH = "/api/autoscale";

  private final Demands demands;

  /** Tells these. */
  public AutoscaleApi(Demands demands) {
    this.demands = demands;
  }

  @GetMapping(PATH)
  void get(
      HttpServletResponse response,
      @RequestParam(name = "queue", required = false) Optional<String> queue,
      @RequestParam(name = "requires", defaultValue = "") String requires)
      throws IOException {
    Answers.guarded(
        response,
        () -> {
          if (queue.isEmpty() && !requires.isEmpty()) {
            throw new IllegalArgumentException("requires: goes with a queue; give queue= too");
          }
          List<Demand> groups = demands.list();
          Demand told = queue.isEmpty() ? demands.all() : of(groups, queue.get(), requires);
          Answers.write(
              response,
              json -> {
                json.writeStartObject();
                write(json, told);
                if (queue.isEmpty()) {
                  json.writeArrayPropertyStart("groups");
                  for (Demand group : groups) {
                    json.writeStartObject();
                    json.writeStringProperty("queue", group.queue());
                    json.writeStringProperty("requires", group.requires());
                    write(json, group);
                    json.writeEndObject();
                  }
                  json.writeEndArray();
                }
                json.writeEndObject();
              });
        });
  }

  /** {@return the group; one without work if there is none} */
  private static Demand of(List<Demand> groups, String queue, String requires) {
    return groups.stream()
        .filter(group -> group.queue().equals(queue) && group.requires().equals(requires))
        .findFirst()
        .orElseGet(() -> new Demand(queue, requires, 0, 0, Duration.ZERO, 0, 0, 0));
  }

  private static void write(JsonGenerator json, Demand demand) {
    json.writeNumberProperty("desiredNodes", demand.desiredNodes());
    json.writeNumberProperty("waiting", demand.waiting());
    json.writeNumberProperty("held", demand.held());
    json.writeNumberProperty("oldestSeconds", demand.oldest().toSeconds());
    json.writeNumberProperty("running", demand.running());
    json.writeNumberProperty("nodes", demand.nodes());
    json.writeNumberProperty("slots", demand.slots());
  }
}
