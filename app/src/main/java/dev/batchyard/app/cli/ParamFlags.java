package dev.batchyard.app.cli;

import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.InvalidParameters;
import java.io.IOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Makes the JSON of parameters from what stands on a command line: {@code -p name=value} over a
 * file of {@code --params}. The type of a value is that of the record's component; what does not
 * look like it is passed on as text, so that the codec refuses it with path, value and cure.
 */
final class ParamFlags {

  private static final String STANDARD_INPUT = "-";
  private static final int FILE_BYTES_MAX = 1024 * 1024;
  private static final String MARK = "\uFEFF";

  private final Context context;
  private final JacksonParameters codec = new JacksonParameters();

  ParamFlags(Context context) {
    this.context = context;
  }

  /**
   * {@return a JSON object}
   *
   * @param type of the parameters
   * @param flags each {@code name=value}
   * @param file a JSON object to begin with, or {@code -} for standard input
   */
  String json(Class<? extends Record> type, List<String> flags, Optional<String> file) {
    Map<String, Object> all = new LinkedHashMap<>(file.map(this::document).orElse(Map.of()));
    for (String flag : flags) {
      int sign = flag.indexOf('=');
      if (sign < 1) {
        throw usage("-p '" + flag + "' must have the form name=value, such as -p table=orders");
      }
      String name = flag.substring(0, sign);
      all.put(name, value(name, component(type, name), flag.substring(sign + 1)));
    }
    return codec.write(all);
  }

  private static Optional<Type> component(Class<? extends Record> type, String name) {
    return Arrays.stream(type.getRecordComponents())
        .filter(component -> component.getName().equals(name))
        .map(RecordComponent::getGenericType)
        .map(ParamFlags::withoutOptional)
        .findFirst();
  }

  private static Type withoutOptional(Type type) {
    return type instanceof ParameterizedType generic && generic.getRawType() == Optional.class
        ? generic.getActualTypeArguments()[0]
        : type;
  }

  private Object value(String name, Optional<Type> type, String text) {
    if (type.isEmpty()) {
      return text;
    }
    if (type.get() instanceof ParameterizedType generic) {
      return generic.getRawType() == List.class ? list(text) : document(name, text);
    }
    Class<?> plain = (Class<?>) type.get();
    if (plain == boolean.class || plain == Boolean.class) {
      return switch (text.toLowerCase(Locale.ROOT)) {
        case "true" -> true;
        case "false" -> false;
        default -> text;
      };
    }
    if (plain.isRecord()) {
      return document(name, text);
    }
    if (plain == String.class) {
      // a task may run in a process with another current folder
      return name.equals("file") && !text.isBlank() ? absolute(text) : text;
    }
    return plain.isEnum() ? text : number(text);
  }

  private String absolute(String text) {
    try {
      return context.folder().resolve(text).normalize().toString();
    } catch (InvalidPathException e) {
      throw usage("-p file='" + text + "' is no path: " + e.getReason());
    }
  }

  private static Object number(String text) {
    try {
      return new BigDecimal(text.strip());
    } catch (NumberFormatException e) {
      return text;
    }
  }

  private Object list(String text) {
    if (text.strip().startsWith("[")) {
      return codec.parse(text);
    }
    return text.isEmpty() ? List.of() : Arrays.asList(text.split(",", -1));
  }

  private Object document(String name, String text) {
    try {
      return codec.parse(text);
    } catch (InvalidParameters e) {
      throw usage(
          "-p %s='%s' must be JSON, such as {\"id\": \"bigint\"}: %s"
              .formatted(name, text, e.getMessage()));
    }
  }

  private Map<String, Object> document(String file) {
    String text = read(file);
    try {
      var tree = codec.parse(text);
      if (!tree.isObject()) {
        throw usage("--params %s: must be a JSON object".formatted(file));
      }
      Map<String, Object> fields = new LinkedHashMap<>();
      tree.properties().forEach(field -> fields.put(field.getKey(), field.getValue()));
      return fields;
    } catch (InvalidParameters e) {
      throw usage("--params %s: %s".formatted(file, e.getMessage()));
    }
  }

  private String read(String file) {
    try {
      byte[] bytes;
      if (file.equals(STANDARD_INPUT)) {
        bytes = context.in().readNBytes(FILE_BYTES_MAX + 1);
      } else {
        Path path = context.folder().resolve(file);
        try (var in = Files.newInputStream(path)) {
          bytes = in.readNBytes(FILE_BYTES_MAX + 1);
        }
      }
      if (bytes.length > FILE_BYTES_MAX) {
        throw usage("--params %s: is larger than %,d bytes".formatted(file, FILE_BYTES_MAX));
      }
      return text(file, bytes);
    } catch (IOException | InvalidPathException e) {
      throw usage(
          "--params %s: %s; name a JSON file, or - for standard input".formatted(file, why(e)));
    }
  }

  private static String why(Exception problem) {
    return switch (problem) {
      case NoSuchFileException missing -> "there is no such file";
      case AccessDeniedException denied -> "permission denied";
      case InvalidPathException path -> "is no path here";
      default -> "cannot be read (%s)".formatted(problem.getMessage());
    };
  }

  /** Editors of Windows put a mark before UTF-8, which is no part of the JSON. */
  private static String text(String file, byte[] bytes) {
    for (byte each : bytes) {
      if (each == 0) { // as in all JSON in UTF-16, and in none in another encoding
        throw notUtf8(file, "UTF-16");
      }
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.startsWith(MARK) ? text.substring(MARK.length()) : text;
    } catch (CharacterCodingException e) {
      throw notUtf8(file, "GB18030");
    }
  }

  private static CliFailure notUtf8(String file, String likely) {
    return usage(
        "--params %s: is not UTF-8 text, but probably %s; save it as UTF-8, or convert it: iconv -f %s -t UTF-8"
            .formatted(file, likely, likely));
  }

  private static CliFailure usage(String message) {
    return new CliFailure(Exit.USAGE, message);
  }
}
