package dev.batchyard.app.config;

import dev.batchyard.store.server.CannotStart;
import dev.batchyard.store.server.DatabaseAddress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Reads settings: flags over environment over {@code batchyard.yaml} in the data folder. */
public final class ConfigReader {

  private static final String FILE = "batchyard.yaml";
  private static final String PREFIX = "BATCHYARD_";
  private static final String FILE_SUFFIX = "_FILE";
  private static final int SECRET_BYTES_MAX = 4_096;

  /** Read by the start script, not by us. */
  private static final List<String> FOREIGN = List.of("BATCHYARD_JAVA_OPTS");

  private ConfigReader() {}

  /**
   * Reads them.
   *
   * @param flags what the command line says
   * @param environment of the process; an empty variable counts as one that is not set
   * @param home of the user
   * @throws WrongFlag for a wrong value of a flag
   * @throws CannotStart for an unknown key or a wrong value anywhere else, naming the nearest known
   *     one or the cure
   */
  public static Settings read(Map<Key, String> flags, Map<String, String> environment, Path home) {
    check(flags, home);
    Map<Key, String> above = new EnumMap<>(Key.class);
    above.putAll(fromEnvironment(environment));
    above.putAll(flags);
    Path data = Settings.from(above, home).data();
    Map<Key, String> given = new EnumMap<>(Key.class);
    given.putAll(new SettingsFile(data.resolve(FILE)).read());
    given.putAll(above);
    return Settings.from(given, home);
  }

  /** Flags are what a person has just typed: a mistake there is wrong use, whatever else is set. */
  private static void check(Map<Key, String> flags, Path home) {
    try {
      Settings.from(flags, home).db().ifPresent(url -> DatabaseAddress.parse(url, "", ""));
    } catch (CannotStart e) {
      String message = String.valueOf(e.getMessage());
      throw new WrongFlag(message.startsWith("--") ? message : "--" + message, e);
    }
  }

  private static Map<Key, String> fromEnvironment(Map<String, String> environment) {
    Map<String, Key> values = new TreeMap<>();
    Map<String, Key> files = new TreeMap<>();
    for (Key key : Key.values()) {
      values.put(key.variable(), key);
      if (key.hasFileVariable()) {
        files.put(key.variable() + FILE_SUFFIX, key);
      }
    }
    Map<Key, String> found = new EnumMap<>(Key.class);
    new TreeMap<>(environment)
        .forEach((variable, value) -> {
          if (!variable.startsWith(PREFIX) || FOREIGN.contains(variable) || value.isEmpty()) {
            return;
          }
          Key inFile = files.get(variable);
          Key key = inFile == null ? values.get(variable) : inFile;
          if (key == null) {
            List<String> known = new ArrayList<>(values.keySet());
            known.addAll(files.keySet());
            throw Unknown.name("environment variable", variable, known);
          }
          if (found.put(key, inFile == null ? value : secret(variable, value)) != null) {
            throw new CannotStart(
                "%s and %s%s are both set; unset one of them"
                    .formatted(key.variable(), key.variable(), FILE_SUFFIX));
          }
        });
    return found;
  }

  /** The one line of a small file. */
  private static String secret(String variable, String name) {
    try (InputStream in = Files.newInputStream(Path.of(name))) {
      byte[] bytes = in.readNBytes(SECRET_BYTES_MAX + 1);
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      String line = text.replaceFirst("^\\uFEFF", "").replaceFirst("\\r?\\n\\z", "");
      if (bytes.length <= SECRET_BYTES_MAX && !line.isBlank() && line.indexOf('\n') < 0) {
        return line;
      }
    } catch (CharacterCodingException e) {
      // told below, with whatever else is not one line of text
    } catch (IOException | InvalidPathException e) {
      throw new CannotStart(
          "%s: cannot read %s; it must be a readable file".formatted(variable, OneLine.of(name)),
          e);
    }
    throw new CannotStart(
        "%s: %s must hold the value alone: one line of UTF-8, at most %d bytes"
            .formatted(variable, OneLine.of(name), SECRET_BYTES_MAX));
  }
}
