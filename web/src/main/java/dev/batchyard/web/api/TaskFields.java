package dev.batchyard.web.api;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.Nearest;
import dev.batchyard.engine.port.Storable;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The fields of a task as JSON, each of the kind that it must be; its parameters stay text. A field
 * that is {@code null} is as one that is left out.
 */
final class TaskFields {

  private static final int DEPTH_MAX = 40;
  private static final int SHOWN_MAX = 60;
  private static final int YEAR_MIN = 1970;
  private static final int YEAR_MAX = 9998;

  /** Milliseconds of longer ones are no long. */
  private static final Duration DURATION_MAX = Duration.ofDays(1_000_000);

  private static final Set<String> TEXTS =
      Set.of("type", "label", "queue", "key", "uniqueLive", "retry", "requires");
  private static final Set<String> NUMBERS = Set.of("priority", "batch");
  private static final Map<String, Set<String>> OBJECTS =
      Map.of(
          "uniqueWithin",
          Set.of("key", "period"),
          "limits",
          Set.of("queueTimeout", "attemptTimeout", "totalTimeout", "deadline"));
  private static final String DUE = "due";
  private static final String POOLS = "pools";
  private static final String PARAMS = "params";

  private static final String TEXT_CURE = "a text";
  private static final String NUMBER_CURE = "a whole number";
  private static final String INSTANT_CURE =
      "an instant with its offset, such as 2026-12-31T22:00:00+08:00, after 1969 and before 9999";
  private static final String POOLS_CURE =
      "an object with whole numbers by the names of pools, such as {\"llm\": 1}";
  private static final String DURATION_CURE = "a length of time, such as PT10M";

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(DEPTH_MAX).build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private final String json;
  private final Map<String, String> texts = new HashMap<>();
  private final Map<String, Long> numbers = new HashMap<>();
  private final Map<String, Integer> pools = new HashMap<>();
  private final List<Problem> problems = new ArrayList<>();
  private String params = "{}";

  private TaskFields(String json) {
    this.json = json;
  }

  /**
   * {@return the fields of one object}
   *
   * @throws BadLine if it is no JSON, or no object
   */
  static TaskFields of(String json) throws BadLine {
    TaskFields fields = new TaskFields(json);
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
      if (parser.nextToken() == null) {
        throw new BadLine("is empty; it must be a JSON object");
      }
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        throw new BadLine(shown(parser) + " does not fit: it must be a JSON object");
      }
      fields.read(parser);
      if (parser.nextToken() != null) {
        throw new BadLine("goes on behind its object; put each task on a line of its own");
      }
    } catch (JacksonException e) {
      String where =
          e.getLocation() == null
              ? ""
              : "at character %d: ".formatted(e.getLocation().getCharOffset() + 1);
      throw new BadLine("is no JSON: " + where + e.getOriginalMessage());
    }
    return fields;
  }

  private void read(JsonParser parser) {
    for (String name = parser.nextName(); name != null; name = parser.nextName()) {
      JsonToken value = parser.nextToken();
      if (value == JsonToken.VALUE_NULL) {
        continue;
      }
      if (name.equals(PARAMS)) {
        readParams(parser);
      } else if (name.equals(POOLS)) {
        readPools(parser);
      } else if (OBJECTS.containsKey(name)) {
        readObject(parser, name, OBJECTS.getOrDefault(name, Set.of()));
      } else if (TEXTS.contains(name) || name.equals(DUE)) {
        readText(parser, name, name.equals(DUE) ? INSTANT_CURE : TEXT_CURE);
      } else if (NUMBERS.contains(name)) {
        readNumber(parser, name);
      } else {
        problems.add(unknown(name, name, known()));
        parser.skipChildren();
      }
    }
  }

  private void readParams(JsonParser parser) {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      refuse(parser, PARAMS, "an object");
      return;
    }
    int from = (int) parser.currentTokenLocation().getCharOffset();
    parser.skipChildren();
    params = json.substring(from, (int) parser.currentLocation().getCharOffset());
  }

  private void readPools(JsonParser parser) {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      refuse(parser, POOLS, POOLS_CURE);
      return;
    }
    for (String pool = parser.nextName(); pool != null; pool = parser.nextName()) {
      JsonToken value = parser.nextToken();
      if (value == JsonToken.VALUE_NUMBER_INT
          && parser.getNumberType() == JsonParser.NumberType.INT) {
        pools.put(pool, parser.getIntValue());
      } else if (value != JsonToken.VALUE_NULL) {
        refuse(
            parser,
            POOLS,
            "a whole number from 1 to %d, for each pool".formatted(NewTask.UNITS_MAX));
      }
    }
  }

  private void readObject(JsonParser parser, String name, Set<String> parts) {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      refuse(parser, name, "an object with " + String.join(", ", new TreeSet<>(parts)));
      return;
    }
    for (String part = parser.nextName(); part != null; part = parser.nextName()) {
      JsonToken value = parser.nextToken();
      String path = name + "." + part;
      if (!parts.contains(part)) {
        problems.add(unknown(path, part, new TreeSet<>(parts)));
        parser.skipChildren();
      } else if (value != JsonToken.VALUE_NULL) {
        readText(parser, path, cure(part));
      }
    }
    texts.put(name, "");
  }

  private static Problem unknown(String path, String name, Set<String> known) {
    return new Problem(
        path,
        "is unknown; "
            + Nearest.to(name, known)
                .map(near -> "did you mean " + near + "?")
                .orElse("known: " + String.join(", ", known)));
  }

  private static String cure(String part) {
    return switch (part) {
      case "key" -> TEXT_CURE;
      case "deadline" -> INSTANT_CURE;
      default -> DURATION_CURE;
    };
  }

  private void readText(JsonParser parser, String path, String cure) {
    if (parser.currentToken() != JsonToken.VALUE_STRING) {
      refuse(parser, path, cure);
      return;
    }
    String text = parser.getString();
    try {
      Storable.requireText(path, text);
      texts.put(path, text);
    } catch (InvalidParameters e) {
      problems.addAll(e.problems());
    }
  }

  private void readNumber(JsonParser parser, String name) {
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      refuse(parser, name, NUMBER_CURE);
    } else if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
      refuse(parser, name, NUMBER_CURE + " of at most 18 digits");
    } else {
      numbers.put(name, parser.getLongValue());
    }
  }

  private void refuse(JsonParser parser, String path, String cure) {
    problems.add(new Problem(path, shown(parser) + " does not fit: it must be " + cure));
    parser.skipChildren();
  }

  private static String shown(JsonParser parser) {
    String text =
        switch (parser.currentToken()) {
          case START_OBJECT -> "an object";
          case START_ARRAY -> "an array";
          case VALUE_STRING -> "'" + parser.getString() + "'";
          default -> parser.getString();
        };
    return text.length() > SHOWN_MAX ? text.substring(0, SHOWN_MAX) + "…" : text;
  }

  private static Set<String> known() {
    Set<String> known = new TreeSet<>(TEXTS);
    known.addAll(NUMBERS);
    known.addAll(OBJECTS.keySet());
    known.addAll(Set.of(DUE, PARAMS, POOLS));
    return known;
  }

  /** {@return what did not fit so far} */
  List<Problem> problems() {
    return problems;
  }

  /** {@return the parameters as a JSON object; an empty one if there are none} */
  String params() {
    return params;
  }

  /** {@return whether something was said of a field already} */
  boolean refused(String path) {
    return problems.stream().anyMatch(problem -> problem.path().equals(path));
  }

  Optional<String> text(String path) {
    return Optional.ofNullable(texts.get(path));
  }

  /** {@return the priority; empty if there is none or it is none} */
  Optional<Integer> priority() {
    Optional<Long> given = Optional.ofNullable(numbers.get("priority"));
    if (given.filter(p -> p < 0 || p > NewTask.PRIORITY_MAX).isPresent()) {
      problems.add(
          new Problem(
              "priority",
              "%d is not in 0 (urgent) to %d".formatted(given.get(), NewTask.PRIORITY_MAX)));
      return Optional.empty();
    }
    return given.map(Math::toIntExact);
  }

  /** {@return how many units of each pool, as far as they are numbers} */
  Map<String, Integer> pools() {
    return pools;
  }

  OptionalLong batch() {
    Long given = numbers.get("batch");
    return given == null ? OptionalLong.empty() : OptionalLong.of(given);
  }

  /**
   * {@return the key for a period; empty if there is none or something is wrong with it}
   *
   * @throws IllegalArgumentException if its key or its period is beyond what is allowed
   */
  Optional<TaskKeys.Within> uniqueWithin() {
    if (!texts.containsKey("uniqueWithin")) {
      return Optional.empty();
    }
    Optional<String> key = text("uniqueWithin.key");
    Optional<Duration> period = duration("uniqueWithin.period");
    if (key.isPresent() && period.isPresent()) {
      return Optional.of(new TaskKeys.Within(key.get(), period.get()));
    }
    if ((key.isEmpty() && !refused("uniqueWithin.key"))
        || (period.isEmpty() && !refused("uniqueWithin.period"))) {
      problems.add(new Problem("uniqueWithin", "must have a key and a period, such as PT10M"));
    }
    return Optional.empty();
  }

  Optional<Instant> instant(String path) {
    return time(
        path,
        INSTANT_CURE,
        text -> {
          OffsetDateTime at = OffsetDateTime.parse(text);
          if (at.getYear() < YEAR_MIN || at.getYear() > YEAR_MAX) {
            throw new DateTimeException("beyond what a database takes");
          }
          return at.toInstant();
        });
  }

  Optional<Duration> duration(String path) {
    return time(
        path,
        DURATION_CURE,
        text -> {
          Duration span = Duration.parse(text);
          if (span.compareTo(DURATION_MAX) > 0) {
            throw new DateTimeException("beyond all limits");
          }
          return span;
        });
  }

  private <T> Optional<T> time(String path, String cure, Function<String, T> reader) {
    String text = texts.get(path);
    if (text == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(reader.apply(text));
    } catch (DateTimeException e) {
      problems.add(new Problem(path, "'%s' does not fit: it must be %s".formatted(text, cure)));
      return Optional.empty();
    }
  }
}
