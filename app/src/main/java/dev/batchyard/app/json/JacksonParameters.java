package dev.batchyard.app.json;

import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.ParameterCodec;
import dev.batchyard.engine.port.Storable;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;

/** The codec of parameters: strict JSON by Jackson, records by their components. Thread-safe. */
public final class JacksonParameters implements ParameterCodec {

  private static final int DEPTH_MAX = 32;

  /** A character of a string takes at most so many bytes: a pair of four is two characters. */
  private static final int UTF8_BYTES_MAX = 3;

  /** Of a number as PostgreSQL writes it: 131,072 digits before the point, 16,383 behind it. */
  private static final int NUMBER_CHARS_MAX = 150_000;

  private static final ClassValue<List<Part>> PARTS =
      new ClassValue<>() {
        @Override
        protected List<Part> computeValue(Class<?> type) {
          return Arrays.stream(type.getRecordComponents()).map(Part::new).toList();
        }
      };

  /** A component of a record, looked up once for its class. */
  private record Part(String name, Method accessor) {

    Part(RecordComponent component) {
      this(component.getName(), component.getAccessor());
      accessor.setAccessible(true);
    }

    @Nullable Object of(Record value) {
      try {
        return accessor.invoke(value);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(name + " cannot be read", e);
      }
    }
  }

  private final JsonMapper json =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(DEPTH_MAX)
                          .maxNumberLength(NUMBER_CHARS_MAX)
                          .build())
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS) // a double may be Infinity
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  @Override
  public <P extends Record> P decode(Class<P> type, String text) {
    refuseUnfit(text);
    RecordReader reader = new RecordReader();
    P read = reader.read(type, parse(text), "");
    if (read == null) {
      throw new InvalidParameters(reader.problems());
    }
    return read;
  }

  @Override
  public String encode(Record params) {
    return checked(json.writeValueAsString(tree("", params)));
  }

  @Override
  public String encodeResult(Map<String, Object> result) {
    return result.isEmpty() ? "{}" : checked(json.writeValueAsString(tree("", result)));
  }

  @Override
  public String schema(Class<? extends Record> type) {
    Map<String, Object> schema = new LinkedHashMap<>();
    schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.putAll(Shapes.schema(type));
    return json.writeValueAsString(schema);
  }

  /** {@return the JSON of maps, lists, records and plain values, for machines to read} */
  public String write(@Nullable Object value) {
    return json.writeValueAsString(tree("", value));
  }

  /** {@return any JSON document as maps, lists and plain values} */
  public JsonNode parse(String text) {
    try {
      return json.readTree(text);
    } catch (JacksonException e) {
      String where =
          e.getLocation() == null
              ? ""
              : "line %d, column %d: "
                  .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr());
      throw problem("", "not JSON: " + where + e.getOriginalMessage());
    }
  }

  private static String checked(String text) {
    refuseUnfit(text);
    return text;
  }

  private static void refuseUnfit(String text) {
    if (text.length() > BYTES_MAX / UTF8_BYTES_MAX) {
      int bytes = text.getBytes(StandardCharsets.UTF_8).length;
      if (bytes > BYTES_MAX) {
        throw problem(
            "",
            "%d bytes of JSON; at most %d: put the bulk into a file and name the file"
                .formatted(bytes, BYTES_MAX));
      }
    }
    Storable.requireJson("", text);
  }

  private static InvalidParameters problem(String path, String message) {
    return new InvalidParameters(List.of(new Problem(path, message)));
  }

  /**
   * Records as maps; absent optionals are left out, so that what is stored reads back the same.
   *
   * @throws InvalidParameters if a number is none: JSON has no way to write it
   */
  private static @Nullable Object tree(String path, @Nullable Object value) {
    return switch (value) {
      case Record record -> recordTree(path, record);
      case Optional<?> optional -> tree(path, optional.orElse(null));
      case Enum<?> constant -> constant.toString().toLowerCase(Locale.ROOT);
      case Map<?, ?> map -> {
        Map<String, @Nullable Object> tree = new LinkedHashMap<>();
        map.forEach((key, each) ->
            tree.put(String.valueOf(key), tree(under(path, String.valueOf(key)), each)));
        yield tree;
      }
      case java.util.Collection<?> all -> {
        List<@Nullable Object> tree = new ArrayList<>();
        all.forEach(each -> tree.add(tree(path + "[" + tree.size() + "]", each)));
        yield tree;
      }
      case Double number when !Double.isFinite(number) -> throw noNumber(path, number);
      case Float number when !Float.isFinite(number) -> throw noNumber(path, number);
      case java.time.Instant instant -> instant.toString();
      case java.util.OptionalLong number -> number.isPresent() ? number.getAsLong() : null;
      case java.util.UUID id -> id.toString();
      case null, default -> value;
    };
  }

  private static InvalidParameters noNumber(String path, Object value) {
    return problem(path, value + " is no number of JSON; leave it out or send it as a text");
  }

  private static String under(String path, String field) {
    return path.isEmpty() ? field : path + "." + field;
  }

  private static Map<String, @Nullable Object> recordTree(String path, Record value) {
    Map<String, @Nullable Object> tree = new LinkedHashMap<>();
    for (Part part : PARTS.get(value.getClass())) {
      Object content = part.of(value);
      if (!(content instanceof Optional<?> optional && optional.isEmpty())) {
        tree.put(part.name(), tree(under(path, part.name()), content));
      }
    }
    return tree;
  }
}
