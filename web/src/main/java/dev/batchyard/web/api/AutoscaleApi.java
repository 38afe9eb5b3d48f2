package dev.batchyard.web.api;

import dev.batchyard.engine.port.Demands;
import dev.batchyard.engine.port.Demands.Demand;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;

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
          Map<String, Object> document =
              queue.isEmpty()
                  ? AutoscaleJson.document(demands.all(), groups)
                  : AutoscaleJson.document(of(groups, queue.get(), requires));
          Answers.write(response, json -> WhyJson.write(json, document));
        });
  }

  /** {@return the group; one without work if there is none} */
  private static Demand of(List<Demand> groups, String queue, String requires) {
    return groups.stream()
        .filter(group -> group.queue().equals(queue) && group.requires().equals(requires))
        .findFirst()
        .orElseGet(() -> new Demand(queue, requires, 0, 0, Duration.ZERO, 0, 0, 0));
  }
}
