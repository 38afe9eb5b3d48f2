package dev.batchyard.app.json;

import dev.batchyard.api.WrongFields;
import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.Nearest;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads a JSON tree into a record and collects every problem with its path, so that a person mends
 * them all at once. One reader reads one document.
 */
final class RecordReader {

  private static final ClassValue<Shape> SHAPES =
      new ClassValue<>() {
        @Override
        protected Shape computeValue(Class<?> type) {
          RecordComponent[] components = type.getRecordComponents();
          Class<?>[] signature =
              Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
          try {
            Constructor<?> constructor = type.getDeclaredConstructor(signature);
            constructor.setAccessible(true);
            return new Shape(List.of(components), constructor);
          } catch (NoSuchMethodException e) {
            throw new IllegalStateException(type + " is no record", e);
          }
        }
      };

  private static final int SHOWN_MAX = 60;

  /** Behind the name of a component, in the path of a field within. */
  private static final Pattern FIELD_END = Pattern.compile("[.\\[]");

  private final List<Problem> problems = new ArrayList<>();

  List<Problem> problems() {
    return problems;
  }

  /** What is looked up once for a class. */
  private record Shape(List<RecordComponent> components, Constructor<?> constructor) {}

  /** {@return the record, or null if {@link #problems()} says why not} */
  <R> @Nullable R read(Class<R> type, JsonNode node, String path) {
    if (!node.isObject()) {
      problem(path, node, "must be an object");
      return null;
    }
    List<RecordComponent> components = SHAPES.get(type).components();
    int before = problems.size();
    refuseUnknown(node, components, path);
    @Nullable Object[] values = new @Nullable Object[components.size()];
    Set<String> unfit = new HashSet<>();
    for (int i = 0; i < components.size(); i++) {
      RecordComponent component = components.get(i);
      int soFar = problems.size();
      values[i] =
          component(
              component.getGenericType(),
              node.get(component.getName()),
              under(path, component.getName()));
      if (problems.size() > soFar) {
        unfit.add(component.getName());
        values[i] = standIn(component.getType());
      }
    }
    if (unfit.isEmpty()) {
      R read = construct(type, values, path);
      return problems.size() > before ? null : read;
    }
    problems.addAll(alsoRefused(type, values, path, unfit));
    return null;
  }

  /**
   * What the record refuses of the fields that do fit, though others do not: a stand-in is in the
   * place of those, and what is said of it is left out. Only {@link WrongFields} say of which field
   * they speak.
   */
  private static List<Problem> alsoRefused(
      Class<?> type, @Nullable Object[] values, String path, Set<String> unfit) {
    try {
      SHAPES.get(type).constructor().newInstance(values);
      return List.of();
    } catch (InvocationTargetException e) {
      return e.getCause() instanceof WrongFields wrong
          ? wrong.fields().stream()
              .filter(each -> !unfit.contains(FIELD_END.split(each.field(), 2)[0]))
              .map(each -> new Problem(under(path, each.field()), each.message()))
              .toList()
          : List.of(); // it may well be the stand-in that it stumbles over
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type + " cannot be built", e);
    }
  }

  private static @Nullable Object standIn(Class<?> type) {
    if (type == Optional.class) {
      return Optional.empty();
    }
    if (type == List.class) {
      return List.of();
    }
    if (type == Map.class) {
      return Map.of();
    }
    if (type == String.class) {
      return "";
    }
    return type.isPrimitive() ? Array.get(Array.newInstance(type, 1), 0) : null;
  }

  private static String under(String path, String field) {
    return path.isEmpty() ? field : path + "." + field;
  }

  private @Nullable Object component(Type type, @Nullable JsonNode node, String path) {
    if (type instanceof ParameterizedType generic && generic.getRawType() == Optional.class) {
      return node == null || node.isNull()
          ? Optional.empty()
          : Optional.ofNullable(value(generic.getActualTypeArguments()[0], node, path));
    }
    if (node == null || node.isNull()) {
      problems.add(new Problem(path, "is missing; it must be " + Shapes.words(type)));
      return null;
    }
    return value(type, node, path);
  }

  private @Nullable Object value(Type type, JsonNode node, String path) {
    if (type instanceof ParameterizedType generic) {
      return generic.getRawType() == List.class
          ? list(generic.getActualTypeArguments()[0], node, path)
          : map(generic.getActualTypeArguments()[1], node, path);
    }
    Class<?> plain = (Class<?>) type;
    if (plain.isRecord()) {
      return read(plain, node, path);
    }
    if (plain.isEnum()) {
      return constant(plain, node, path);
    }
    Object scalar = scalar(plain, node);
    if (scalar == null) {
      String range = node.isNumber() ? Shapes.range(plain) : "";
      problem(path, node, "must be " + Shapes.words(type) + range);
    }
    return scalar;
  }

  private static @Nullable Object scalar(Class<?> type, JsonNode node) {
    if (type == String.class) {
      return node.isString() ? node.stringValue() : null;
    }
    if (type == boolean.class || type == Boolean.class) {
      return node.isBoolean() ? node.booleanValue() : null;
    }
    if (type == int.class || type == Integer.class) {
      return node.isIntegralNumber() && node.canConvertToInt() ? node.intValue() : null;
    }
    if (type == long.class || type == Long.class) {
      return node.isIntegralNumber() && node.canConvertToLong() ? node.longValue() : null;
    }
    if (type == double.class || type == Double.class) {
      double number = node.isNumber() ? node.decimalValue().doubleValue() : Double.NaN;
      return Double.isFinite(number) ? number : null;
    }
    throw new IllegalArgumentException("a component of type " + type + " cannot be read from JSON");
  }

  private @Nullable Object constant(Class<?> type, JsonNode node, String path) {
    if (node.isString()) {
      for (Object constant : type.getEnumConstants()) {
        if (constant.toString().toLowerCase(Locale.ROOT).equals(node.stringValue())) {
          return constant;
        }
      }
    }
    problem(path, node, "must be " + Shapes.words(type));
    return null;
  }

  private @Nullable List<Object> list(Type element, JsonNode node, String path) {
    if (!node.isArray()) {
      problem(path, node, "must be an array");
      return null;
    }
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < node.size(); i++) {
      Object value = value(element, node.get(i), path + "[" + i + "]");
      if (value != null) {
        values.add(value);
      }
    }
    return values;
  }

  private @Nullable Map<String, Object> map(Type element, JsonNode node, String path) {
    if (!node.isObject()) {
      problem(path, node, "must be an object");
      return null;
    }
    Map<String, Object> values = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      Object value = value(element, entry.getValue(), path + "." + entry.getKey());
      if (value != null) {
        values.put(entry.getKey(), value);
      }
    }
    return values;
  }

  private void refuseUnknown(JsonNode node, List<RecordComponent> components, String path) {
    List<String> known = components.stream().map(RecordComponent::getName).toList();
    for (String name : node.propertyNames()) {
      if (!known.contains(name)) {
        problems.add(
            new Problem(
                under(path, name),
                "is unknown; "
                    + Nearest.to(name, known)
                        .map(near -> "did you mean " + near + "?")
                        .orElse("known: " + String.join(", ", known))));
      }
    }
  }

  private <R> @Nullable R construct(Class<R> type, @Nullable Object[] values, String path) {
    try {
      return type.cast(SHAPES.get(type).constructor().newInstance(values));
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof WrongFields wrong) {
        wrong
            .fields()
            .forEach(each -> problems.add(new Problem(under(path, each.field()), each.message())));
        return null;
      }
      if (e.getCause() instanceof IllegalArgumentException refused) {
        problems.add(new Problem(path, String.valueOf(refused.getMessage())));
        return null;
      }
      throw new IllegalStateException(type + " cannot be built", e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type + " cannot be built", e);
    }
  }

  private void problem(String path, JsonNode node, String cure) {
    String text = node.toString();
    String shown = text.length() > SHOWN_MAX ? text.substring(0, SHOWN_MAX) + "…" : text;
    problems.add(new Problem(path, shown + " does not fit: it " + cure));
  }
}
