package dev.batchyard.web.api;

import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Pools.Change;
import dev.batchyard.engine.port.Pools.Holder;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.Pools.PoolRow;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestParam;
import tools.jackson.core.JsonGenerator;

/**
 * Shows and sets pools for programs: GET lists them, or one with its holders; PUT makes one or
 * changes it; DELETE takes one away; POST refills a budget. Which one, {@code ?name=} says, or the
 * body of a PUT.
 */
@Controller
public final class PoolsApi {

  /** Where it is. */
  public static final String PATH = "/api/pools";

  private static final String BY = "api";

  private final Pools pools;

  /** Sets these pools. */
  public PoolsApi(Pools pools) {
    this.pools = pools;
  }

  @GetMapping(PATH)
  void get(
      HttpServletResponse response, @RequestParam(name = "name", defaultValue = "") String name)
      throws IOException {
    Answers.guarded(
        response,
        () -> {
          if (name.isEmpty()) {
            List<PoolRow> rows = pools.list();
            Answers.write(
                response,
                json -> {
                  json.writeStartArray();
                  rows.forEach(row -> write(json, row, List.of()));
                  json.writeEndArray();
                });
          } else {
            show(response, name);
          }
        });
  }

  @PutMapping(PATH)
  void put(HttpServletRequest request, HttpServletResponse response) throws IOException {
    Answers.guarded(
        response,
        () -> {
          Pool pool = PoolFields.read(Lines.all(request.getInputStream()));
          if (pools.create(pool, BY) == Change.ALREADY) {
            Change _ = pools.edit(pool.name(), was -> like(was, pool), BY);
          }
          show(response, pool.name());
        });
  }

  /** What is not said stays as it is. */
  private static Pool like(Pool was, Pool said) {
    return new Pool(
        said.name(),
        said.kind(),
        said.capacity(),
        said.period(),
        was.perKey() || said.perKey(),
        said.type().or(was::type));
  }

  @PostMapping(PATH)
  void refill(
      HttpServletResponse response, @RequestParam(name = "name", defaultValue = "") String name)
      throws IOException {
    Answers.guarded(
        response,
        () -> {
          Change _ = pools.refill(name, BY);
          show(response, name);
        });
  }

  @DeleteMapping(PATH)
  void delete(
      HttpServletResponse response, @RequestParam(name = "name", defaultValue = "") String name)
      throws IOException {
    Answers.guarded(
        response,
        () -> {
          if (pools.delete(name) == Change.NOT_FOUND) {
            missing(response, name);
          } else {
            response.setStatus(HttpServletResponse.SC_NO_CONTENT);
          }
        });
  }

  private void show(HttpServletResponse response, String name) throws IOException {
    Optional<PoolRow> row = pools.find(name);
    if (row.isEmpty()) {
      missing(response, name);
      return;
    }
    List<Holder> holders = pools.holders(name);
    Answers.write(response, json -> write(json, row.get(), holders));
  }

  private static void missing(HttpServletResponse response, String name) throws IOException {
    ProblemJson.write(
        response,
        HttpServletResponse.SC_NOT_FOUND,
        "pool '%s': there is none; GET %s lists them, PUT makes one".formatted(name, PATH));
  }

  private static void write(JsonGenerator json, PoolRow row, List<Holder> holders) {
    json.writeStartObject();
    json.writeStringProperty("name", row.pool().name());
    json.writeStringProperty("kind", row.pool().kind().word());
    json.writeNumberProperty("capacity", row.pool().capacity());
    row.pool()
        .period()
        .map(Duration::toString)
        .ifPresent(period -> json.writeStringProperty("period", period));
    json.writeBooleanProperty("perKey", row.pool().perKey());
    row.pool().type().ifPresent(type -> json.writeStringProperty("type", type));
    json.writeNumberProperty("now", row.now());
    json.writeNumberProperty("used", row.used());
    json.writeNumberProperty("waiting", row.waiting());
    json.writeNumberProperty("later", row.later());
    row.again().ifPresent(at -> json.writeStringProperty("again", at.toString()));
    json.writeStringProperty("setBy", row.setBy());
    json.writeStringProperty("setAt", row.setAt().toString());
    if (!holders.isEmpty()) {
      json.writeArrayPropertyStart("holders");
      for (Holder holder : holders) {
        json.writeStartObject();
        json.writeNumberProperty("task", holder.task());
        json.writeStringProperty("type", holder.type());
        json.writeNumberProperty("units", holder.units());
        json.writeStringProperty("node", holder.node());
        json.writeStringProperty("since", holder.since().toString());
        json.writeEndObject();
      }
      json.writeEndArray();
    }
    json.writeEndObject();
  }
}
