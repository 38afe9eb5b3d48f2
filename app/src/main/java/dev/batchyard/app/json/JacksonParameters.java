package dev.batchyard.app.json;

import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.ParameterCodec;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The codec of parameters: strict JSON by Jackson, records by their components. Thread-safe. */
public final class JacksonParameters implements ParameterCodec {

  private static final int DEPTH_MAX = 32;

  /** PostgreSQL's jsonb takes no NUL, and no encoding takes half a surrogate pair. */
  private static final Pattern UNSTORABLE =
      Pattern.compile(
          "\\x00|[\\uD800-\\uDBFF](?![\\uDC00-\\uDFFF])|(?<![\\uD800-\\uDBFF])[\\uDC00-\\uDFFF]");

  private final JsonMapper json =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(DEPTH_MAX).build())
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
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
    return checked(json.writeValueAsString(tree(params)), params);
  }

  @Override
  public String encodeResult(Map<String, Object> result) {
    return checked(json.writeValueAsString(tree(result)), result);
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
    return json.writeValueAsString(tree(value));
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

  private String checked(String text, Object source) {
    refuseUnfit(text);
    if (hasUnstorable(source)) {
      throw problem(
          "", "holds a NUL character or half a surrogate pair, which no database takes; remove it");
    }
    return text;
  }

  private static void refuseUnfit(String text) {
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > BYTES_MAX) {
      throw problem(
          "",
          "%d bytes of JSON; at most %d: put the bulk into a file and name the file"
              .formatted(bytes, BYTES_MAX));
    }
    if (text.contains("\\u0000") || UNSTORABLE.matcher(text).find()) {
      throw problem(
          "", "holds a NUL character or half a surrogate pair, which no database takes; remove it");
    }
  }

  private static boolean hasUnstorable(@Nullable Object value) {
    return switch (tree(value)) {
      case String text -> UNSTORABLE.matcher(text).find();
      case Map<?, ?> map ->
          map.entrySet().stream()
              .anyMatch(e -> hasUnstorable(e.getKey()) || hasUnstorable(e.getValue()));
      case List<?> list -> list.stream().anyMatch(JacksonParameters::hasUnstorable);
      case null, default -> false;
    };
  }

  private static InvalidParameters problem(String path, String message) {
    return new InvalidParameters(List.of(new Problem(path, message)));
  }

  /** Records as maps; absent optionals are left out, so that what is stored reads back the same. */
  private static @Nullable Object tree(@Nullable Object value) {
    return switch (value) {
      case Record record -> recordTree(record);
      case Optional<?> optional -> optional.map(JacksonParameters::tree).orElse(null);
      case Enum<?> constant -> constant.toString().toLowerCase(Locale.ROOT);
      case Map<?, ?> map -> {
        Map<String, @Nullable Object> tree = new LinkedHashMap<>();
        map.forEach((key, each) -> tree.put(String.valueOf(key), tree(each)));
        yield tree;
      }
      case java.util.Collection<?> all -> all.stream().map(JacksonParameters::tree).toList();
      case java.time.Instant instant -> instant.toString();
      case java.util.OptionalLong number -> number.isPresent() ? number.getAsLong() : null;
      case java.util.UUID id -> id.toString();
      case null, default -> value;
    };
  }

  private static Map<String, @Nullable Object> recordTree(Record value) {
    Map<String, @Nullable Object> tree = new LinkedHashMap<>();
    for (RecordComponent component : value.getClass().getRecordComponents()) {
      try {
        var accessor = component.getAccessor();
        accessor.setAccessible(true);
        Object part = accessor.invoke(value);
        if (!(part instanceof Optional<?> optional && optional.isEmpty())) {
          tree.put(component.getName(), tree(part));
        }
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(component + " cannot be read", e);
      }
    }
    return tree;
  }
}
