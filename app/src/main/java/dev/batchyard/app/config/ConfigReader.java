package dev.batchyard.app.config;

import dev.batchyard.app.json.Nearest;
import dev.batchyard.store.server.CannotStart;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;

/** Reads settings: flags over environment over {@code batchyard.yaml} in the data folder. */
public final class ConfigReader {

  private static final String FILE = "batchyard.yaml";
  private static final String FILE_SUFFIX = "_FILE";
  private static final int FILE_BYTES_MAX = 64 * 1024;

  /** Read by the start script, not by us. */
  private static final List<String> FOREIGN = List.of("BATCHYARD_JAVA_OPTS");

  private ConfigReader() {}

  /**
   * Reads them.
   *
   * @param flags what the command line says
   * @param environment of the process
   * @param home of the user
   * @throws CannotStart for an unknown key or a wrong value, naming the nearest known one or the
   *     cure
   */
  public static Settings read(Map<Key, String> flags, Map<String, String> environment, Path home) {
    Map<Key, String> given = new EnumMap<>(Key.class);
    Map<Key, String> above = new EnumMap<>(fromEnvironment(environment));
    above.putAll(flags);
    Path data = Settings.from(above, home).data();
    given.putAll(fromFile(data.resolve(FILE)));
    given.putAll(above);
    return Settings.from(given, home);
  }

  private static Map<Key, String> fromEnvironment(Map<String, String> environment) {
    Map<Key, String> found = new EnumMap<>(Key.class);
    environment.forEach((variable, value) -> {
      if (!variable.startsWith("BATCHYARD_") || FOREIGN.contains(variable)) {
        return;
      }
      boolean inFile = variable.endsWith(FILE_SUFFIX);
      String name =
          inFile ? variable.substring(0, variable.length() - FILE_SUFFIX.length()) : variable;
      Key key =
          Arrays.stream(Key.values())
              .filter(k -> k.variable().equals(name))
              .findFirst()
              .orElseThrow(() ->
                  unknown(
                      "environment variable",
                      variable,
                      Arrays.stream(Key.values()).map(Key::variable).toList()));
      found.put(key, inFile ? secret(variable, Path.of(value)) : value);
    });
    return found;
  }

  private static String secret(String variable, Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new CannotStart(variable + ": cannot read " + file + "; it must be a readable file", e);
    }
  }

  private static Map<Key, String> fromFile(Path file) {
    Map<Key, String> found = new EnumMap<>(Key.class);
    if (!Files.isReadable(file)) {
      return found;
    }
    Object document = parse(file);
    if (document == null) {
      return found;
    }
    if (!(document instanceof Map<?, ?> lines)) {
      throw new CannotStart(file + ": must be lines of the form 'key: value'");
    }
    lines.forEach((word, value) -> {
      Optional<Key> key =
          Arrays.stream(Key.values()).filter(k -> k.word().equals(word)).findFirst();
      found.put(
          key.orElseThrow(() ->
              unknown(
                  file + ": key",
                  String.valueOf(word),
                  Arrays.stream(Key.values()).map(Key::word).toList())),
          String.valueOf(value));
    });
    return found;
  }

  private static @org.jspecify.annotations.Nullable Object parse(Path file) {
    LoaderOptions options = new LoaderOptions();
    options.setMaxAliasesForCollections(0);
    options.setNestingDepthLimit(4);
    options.setCodePointLimit(FILE_BYTES_MAX);
    options.setAllowDuplicateKeys(false);
    try {
      return new Yaml(new SafeConstructor(options)).load(Files.readString(file));
    } catch (IOException | YAMLException e) {
      throw new CannotStart(
          file + ": cannot be read: " + String.valueOf(e.getMessage()).replaceAll("\\s+", " "), e);
    }
  }

  private static CannotStart unknown(String where, String name, List<String> known) {
    return new CannotStart(
        "%s '%s' is unknown; %s"
            .formatted(
                where,
                name,
                Nearest.to(name, known)
                    .map(near -> "did you mean " + near + "?")
                    .orElse("known: " + String.join(", ", known))));
  }
}
