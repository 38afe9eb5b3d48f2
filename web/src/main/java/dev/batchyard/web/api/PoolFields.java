package dev.batchyard.web.api;

import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.Nearest;
import dev.batchyard.engine.port.Pools.Kind;
import dev.batchyard.engine.port.Pools.Pool;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** A pool as a JSON object; its kind is slots unless told otherwise. */
final class PoolFields {

  private static final JsonFactory JSON = new JsonFactory();
  private static final Set<String> KNOWN =
      new TreeSet<>(Set.of("name", "kind", "capacity", "period", "perKey", "type"));

  private final Map<String, String> given = new HashMap<>();
  private final List<Problem> problems = new ArrayList<>();

  private PoolFields() {}

  /**
   * {@return the pool}
   *
   * @throws BadLine telling fields, values and cures
   */
  static Pool read(String json) throws BadLine {
    PoolFields fields = new PoolFields();
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new BadLine("must be a JSON object with " + String.join(", ", KNOWN));
      }
      fields.read(parser);
    } catch (JacksonException e) {
      throw new BadLine("is no JSON: " + e.getOriginalMessage());
    }
    return fields.pool();
  }

  private void read(JsonParser parser) {
    for (String name = parser.nextName(); name != null; name = parser.nextName()) {
      JsonToken value = parser.nextToken();
      if (!KNOWN.contains(name)) {
        problems.add(
            new Problem(
                name,
                "is unknown; "
                    + Nearest.to(name, KNOWN)
                        .map(near -> "did you mean " + near + "?")
                        .orElse("known: " + String.join(", ", KNOWN))));
        parser.skipChildren();
      } else if (value.isScalarValue()) {
        if (value != JsonToken.VALUE_NULL) {
          given.put(name, parser.getString());
        }
      } else {
        problems.add(new Problem(name, "does not fit: it must be a text or a number"));
        parser.skipChildren();
      }
    }
  }

  private Pool pool() throws BadLine {
    Kind kind = kind();
    long capacity = capacity();
    Optional<Duration> period = period();
    String name = given.getOrDefault("name", "");
    if (!Set.of("true", "false").contains(given.getOrDefault("perKey", "false"))) {
      problems.add(
          new Problem(
              "perKey",
              "'%s' does not fit: it must be true or false".formatted(given.get("perKey"))));
    }
    if (problems.isEmpty()) {
      return new Pool(
          name,
          kind,
          capacity,
          period,
          "true".equals(given.get("perKey")),
          Optional.ofNullable(given.get("type")));
    }
    throw new BadLine(problems);
  }

  private Kind kind() {
    String word = given.getOrDefault("kind", Kind.SLOTS.word());
    try {
      return Kind.valueOf(word.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      problems.add(
          new Problem(
              "kind", "'%s' does not fit: it must be slots, rate or budget".formatted(word)));
      return Kind.SLOTS;
    }
  }

  private long capacity() {
    String text = given.get("capacity");
    try {
      if (text != null) {
        return Long.parseLong(text);
      }
    } catch (NumberFormatException e) {
      // told below, together with a missing one
    }
    problems.add(
        new Problem(
            "capacity",
            text == null
                ? "is missing; it must be a whole number"
                : "'%s' does not fit: it must be a whole number".formatted(text)));
    return 0;
  }

  private Optional<Duration> period() {
    String text = given.get("period");
    try {
      return Optional.ofNullable(text).map(Duration::parse);
    } catch (DateTimeException e) {
      problems.add(
          new Problem(
              "period",
              "'%s' does not fit: it must be a length of time, such as PT1M".formatted(text)));
      return Optional.empty();
    }
  }
}
