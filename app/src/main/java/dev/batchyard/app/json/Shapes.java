package dev.batchyard.app.json;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** What types look like in JSON: in words for people, as JSON Schema (2020-12) for machines. */
final class Shapes {

  private Shapes() {}

  static String words(Type type) {
    if (type instanceof ParameterizedType generic) {
      return generic.getRawType() == List.class ? "an array" : "an object";
    }
    Class<?> plain = (Class<?>) type;
    if (plain.isEnum()) {
      return "one of " + constants(plain).stream().collect(Collectors.joining(", "));
    }
    return switch (plain.getSimpleName()) {
      case "String" -> "a text";
      case "boolean", "Boolean" -> "true or false";
      case "int", "Integer", "long", "Long" -> "a whole number";
      case "double", "Double" -> "a number";
      default -> "an object";
    };
  }

  /** {@return between what a number of this type must be; empty if it has no end} */
  static String range(Class<?> type) {
    return switch (type.getSimpleName()) {
      case "int", "Integer" -> " from %d to %d".formatted(Integer.MIN_VALUE, Integer.MAX_VALUE);
      case "long", "Long" -> " from %d to %d".formatted(Long.MIN_VALUE, Long.MAX_VALUE);
      case "double", "Double" -> " from -1.79E+308 to 1.79E+308";
      default -> "";
    };
  }

  static Map<String, Object> schema(Type type) {
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      if (generic.getRawType() == Optional.class) {
        return schema(arguments[0]);
      }
      return generic.getRawType() == List.class
          ? Map.of("type", "array", "items", schema(arguments[0]))
          : Map.of("type", "object", "additionalProperties", schema(arguments[1]));
    }
    Class<?> plain = (Class<?>) type;
    if (plain.isRecord()) {
      return record(plain);
    }
    if (plain.isEnum()) {
      return Map.of("enum", constants(plain));
    }
    return Map.of(
        "type",
        switch (plain.getSimpleName()) {
          case "String" -> "string";
          case "boolean", "Boolean" -> "boolean";
          case "int", "Integer", "long", "Long" -> "integer";
          default -> "number";
        });
  }

  private static Map<String, Object> record(Class<?> type) {
    Map<String, Object> properties = new LinkedHashMap<>();
    for (RecordComponent component : type.getRecordComponents()) {
      properties.put(component.getName(), schema(component.getGenericType()));
    }
    Map<String, Object> schema = new LinkedHashMap<>();
    schema.put("type", "object");
    schema.put("properties", properties);
    schema.put(
        "required",
        Arrays.stream(type.getRecordComponents())
            .filter(component -> component.getType() != Optional.class)
            .map(RecordComponent::getName)
            .toList());
    schema.put("additionalProperties", false);
    return schema;
  }

  private static List<String> constants(Class<?> type) {
    return Arrays.stream(type.getEnumConstants())
        .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
        .toList();
  }
}
